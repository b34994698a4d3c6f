--- `:Rung status|explain|report|pause|resume|trust|restart`.
local M = {}

local function client()
  local found = vim.lsp.get_clients({ name = 'rung', bufnr = 0 })[1] or vim.lsp.get_clients({ name = 'rung' })[1]
  if not found then
    vim.notify('rung does not run here; :checkhealth rung says why', vim.log.levels.WARN)
  end
  return found
end

local function execute(of, command, arguments, on_result)
  of:request('workspace/executeCommand', { command = command, arguments = arguments }, function(err, result)
    if err then
      vim.notify('rung: ' .. err.message, vim.log.levels.ERROR)
    else
      on_result(result)
    end
  end)
end

--- By the server of this buffer.
local function execute_here(command, arguments, on_result)
  local found = client()
  if found then
    execute(found, command, arguments, on_result)
  end
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

--- Whether `:Rung pause everywhere` holds: servers that start later are told.
local everywhere = false

local function tell_paused(result)
  local place = result.everywhere and 'everywhere' or result.here and 'in this project' or nil
  vim.notify(place and ('rung is paused ' .. place) or 'rung completes')
end

local function pause_here(paused)
  execute_here('rung.pause', { 'here', paused, vim.uri_from_bufnr(0) }, tell_paused)
end

--- Each project has a server of its own.
local function pause_everywhere(paused)
  local mine = client()
  if not mine then
    return
  end
  everywhere = paused
  for _, each in ipairs(vim.lsp.get_clients({ name = 'rung' })) do
    local of_buffer = each.id == mine.id
    local arguments = of_buffer and { 'everywhere', paused, vim.uri_from_bufnr(0) } or { 'everywhere', paused }
    execute(each, 'rung.pause', arguments, of_buffer and tell_paused or function() end)
  end
end

local function pause(where, paused)
  if where == 'everywhere' then
    pause_everywhere(paused)
  elseif where == nil or where == 'here' then
    pause_here(paused)
  else
    vim.notify(('rung can be paused `here` or `everywhere`, not %q'):format(where), vim.log.levels.ERROR)
  end
end

local actions = {
  status = function()
    execute_here('rung.status', {}, function(result)
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
    execute_here('rung.explain', {}, function(result)
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
    pause(where, true)
  end,
  resume = function(where)
    pause(where, false)
  end,
}

--- A server has started.
--- @param started vim.lsp.Client
function M.started(started)
  if everywhere then
    execute(started, 'rung.pause', { 'everywhere', true }, function() end)
  end
end

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
