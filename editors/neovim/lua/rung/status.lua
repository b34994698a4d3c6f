--- What rung does now, for a status line: `require('rung.status').text()`, or `'rung'` in lualine.
local M = {}

local last = {}
local PROBLEMS = { failed = 'offline', over_budget = 'over budget', private = 'private' }

--- The params of `rung/status`.
function M.told(params)
  last = params
  vim.api.nvim_exec_autocmds('User', { pattern = 'RungStatus', modeline = false })
  vim.cmd.redrawstatus()
end

--- @return table
function M.last()
  return last
end

--- @return string empty before rung has said anything
function M.text()
  if not last.state then
    return ''
  end
  local parts = { 'rung' }
  if last.state == 'paused' or last.state == 'disabled' then
    parts[#parts + 1] = last.state
  elseif last.rung and last.rung ~= vim.NIL then
    parts[#parts + 1] = (last.state == 'climbing' and '↑' or '') .. last.rung
  end
  if last.problem and last.problem ~= vim.NIL then
    parts[#parts + 1] = PROBLEMS[last.problem] or last.problem
  end
  if type(last.usdToday) == 'number' and last.usdToday > 0 then
    parts[#parts + 1] = ('$%.2f'):format(last.usdToday)
  end
  return table.concat(parts, ' ')
end

return M
