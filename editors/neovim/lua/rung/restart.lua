--- Starts the server again: where it has ended by itself, and where the user asks for it.
local M = {}

-- As VS Code's language clients do.
local MOST = 4
local WITHIN_S = 180
local POLL_MS = 50
local STOPS_WITHIN_MS = 5000

--- When it was started again, in seconds.
local times = {}
--- Clients that the user wants to begin anew, by id.
local wanted = {}

local function may_again()
  local now = vim.uv.now() / 1000
  times = vim.tbl_filter(function(time)
    return now - time < WITHIN_S
  end, times)
  if #times == MOST then
    return false
  end
  times[#times + 1] = now
  return true
end

--- For the buffers that the client with this id had, once Neovim has forgotten it.
local function start(id, config, buffers)
  if vim.lsp.get_client_by_id(id) then
    vim.defer_fn(function()
      start(id, config, buffers)
    end, POLL_MS)
    return
  end
  for _, buffer in ipairs(buffers) do
    if vim.api.nvim_buf_is_loaded(buffer) then
      vim.lsp.start(config, { bufnr = buffer })
    end
  end
end

--- `on_exit` of a client. That it ended by itself is told by Neovim; one that never came up is not tried again.
function M.ended(code, signal, id)
  local client = vim.lsp.get_client_by_id(id)
  local asked = wanted[id]
  wanted[id] = nil
  if not client or not (asked or code ~= 0 or (signal ~= 0 and signal ~= 15)) then
    return
  end
  local buffers, initialized = vim.tbl_keys(client.attached_buffers), client.initialized
  vim.schedule(function()
    if vim.v.exiting ~= vim.NIL then
      return
    end
    require('rung.status').told({}, id)
    if asked or (initialized and may_again()) then
      start(id, client.config, buffers)
    else
      vim.notify('rung has ended: `:checkhealth rung` may say why, `:Rung restart` starts it', vim.log.levels.ERROR)
    end
  end)
end

--- `:Rung restart`.
function M.restart()
  times = {}
  local clients = vim.lsp.get_clients({ name = 'rung' })
  for _, client in ipairs(clients) do
    wanted[client.id] = true
    client:stop()
    vim.defer_fn(function()
      if vim.lsp.get_client_by_id(client.id) then
        client:stop(true)
      end
    end, STOPS_WITHIN_MS)
  end
  if #clients == 0 then
    local rung = require('rung')
    rung.setup(rung.options) -- it may have been installed since
  end
end

return M
