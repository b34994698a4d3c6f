--- Draws grey text behind the cursor.
local M = {}

local namespace = vim.api.nvim_create_namespace('rung')
-- An experiment of Neovim's. Without it the text also stands in other windows on the same buffer.
local only_in = vim.api.nvim__ns_set or function() end

--- In the present window.
--- @param buffer integer
--- @param row integer 0-based
--- @param column integer in bytes
--- @param text string may have several lines
function M.draw(buffer, row, column, text)
  M.clear(buffer)
  only_in(namespace, { wins = { vim.api.nvim_get_current_win() } })
  local lines = vim.split(text, '\n', { plain = true })
  local below = {}
  for index = 2, #lines do
    below[#below + 1] = { { lines[index], 'RungGhost' } }
  end
  vim.api.nvim_buf_set_extmark(buffer, namespace, row, column, {
    virt_text = { { lines[1], 'RungGhost' } },
    virt_text_pos = 'inline',
    virt_lines = #below > 0 and below or nil,
    hl_mode = 'combine',
  })
end

--- @param buffer integer
function M.clear(buffer)
  if vim.api.nvim_buf_is_valid(buffer) then
    vim.api.nvim_buf_clear_namespace(buffer, namespace, 0, -1)
  end
end

return M
