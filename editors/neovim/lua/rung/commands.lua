--- `:Rung status|explain|report|pause|resume|trust|restart`.
local M = {}

local function client()
  local found = vim.lsp.get_clients({ name = 'rung', bufnr = 0 })[1] or vim.lsp.get_clients({ name = 'rung' })[1]
  if not found then
    vim.notify('rung does not run here; :checkhealth rung says why', vim.log.levels.WARN)
  end
  return found
end

local function execute(command, arguments, on_result)
  local found = client()
  if not found then
    return
  end
  found:request('workspace/executeCommand', { command = command, arguments = arguments }, function(err, result)
    if err then
      vim.notify('rung: ' .. err.message, vim.log.levels.ERROR)
    else
      on_result(result)
    end
  end)
end

local function show(lines)
  vim.lsp.util.open_floating_preview(lines, 'markdown', { border = 'rounded', title = 'rung', focus_id = 'rung' })
end

local function terminal(...)
  local rung = require('rung')
  if not rung.cmd then
    vim.notify('rung is not installed here: ' .. rung.INSTALL, vim.log.levels.WARN)
    return false
  end
  vim.cmd.new()
  vim.fn.jobstart(rung.command(rung.cmd, ...), { term = true })
  return true
end

--- The project that is edited.
local function place()
  local found = vim.lsp.get_clients({ name = 'rung', bufnr = 0 })[1]
  return found and found.root_dir or vim.fn.expand('%:p:h')
end

local function pause(where, paused)
  execute('rung.pause', { where, paused }, function(result)
    local place = result.everywhere and 'everywhere' or result.here and 'in this project' or nil
    vim.notify(place and ('rung is paused ' .. place) or 'rung completes')
  end)
end

local actions = {
  status = function()
    execute('rung.status', {}, function(result)
      local lines = { 'rung ' .. result.version }
      for _, project in ipairs(result.projects) do
        lines[#lines + 1] = '- ' .. (project.root ~= vim.NIL and project.root or 'files outside of projects')
        for _, rung in ipairs(project.ladder or {}) do
          lines[#lines + 1] = ('  - %s%s'):format(rung.rung, rung.remote and ' (remote)' or '')
        end
        local spent = project.spent
        if spent and spent ~= vim.NIL then
          lines[#lines + 1] = ('  - $%.4f today'):format(spent.usd_today)
        end
      end
      show(lines)
    end)
  end,
  explain = function()
    execute('rung.explain', {}, function(result)
      show(vim.split(result.markdown, '\n', { plain = true }))
    end)
  end,
  report = function()
    terminal('report')
  end,
  trust = function()
    if terminal('trust', place()) then
      vim.cmd.startinsert() -- it asks
    end
  end,
  restart = function()
    require('rung.restart').restart()
  end,
  pause = function(where)
    pause(where or 'here', true)
  end,
  resume = function(where)
    pause(where or 'here', false)
  end,
}

function M.run(arguments)
  local action = actions[arguments[1] or 'status']
  if action then
    action(arguments[2])
  else
    vim.notify(('rung has no command %q; there are %s'):format(arguments[1], table.concat(M.names(), ', ')), vim.log.levels.ERROR)
  end
end

--- @return string[]
function M.names()
  local names = vim.tbl_keys(actions)
  table.sort(names)
  return names
end

--- For the command line's completion.
function M.matching(lead, line)
  local words = vim.split(line, '%s+')
  local found = words[2] and #words > 2 and { 'here', 'everywhere' } or M.names()
  return vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, found)
end

return M
