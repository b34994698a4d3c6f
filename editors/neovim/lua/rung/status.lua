--- What rung does now, for a status line: `require('rung.status').text()`, or `'rung'` in lualine.
local M = {}

--- By the server's client id; `newest` is the one that spoke last.
--- @type table<integer, table>
local by_client = {}
local newest = {}
local PROBLEMS = { failed = 'offline', over_budget = 'over budget', private = 'private' }

--- The params of `rung/status`; empty where that server has gone.
--- @param params table
--- @param client integer
function M.told(params, client)
  newest = params
  by_client[client] = next(params) and params or nil
  vim.api.nvim_exec_autocmds('User', { pattern = 'RungStatus', modeline = false })
  vim.cmd.redrawstatus()
end

--- What the server of this buffer said last; where it has none, whichever spoke last.
--- @return table
function M.last()
  local client = vim.lsp.get_clients({ bufnr = 0, name = 'rung' })[1]
  return client and (by_client[client.id] or {}) or newest
end

--- @return string empty before rung has said anything
function M.text()
  local last = M.last()
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
