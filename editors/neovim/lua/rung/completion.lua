--- Asks for completions, and follows what is shown while the user types.
---
--- Neovim 0.12 has `vim.lsp.inline_completion`, but no accept by the word or line, no dismissing, and what is accepted
--- after typing on is inserted where it does not belong. So this is done here, alike for 0.11 and 0.12.
local ghost = require('rung.ghost')
local pieces = require('rung.pieces')

local M = {}

local METHOD = 'textDocument/inlineCompletion'
local INVOKED, AUTOMATIC = 1, 2

--- @class rung.Shown
--- @field client vim.lsp.Client
--- @field items table[] as the server sent them, with `text`
--- @field index integer
--- @field row integer 0-based, where the items begin
--- @field column integer in bytes

--- @type table<integer, rung.Shown>
local shown = {}
--- @type table<integer, { client: vim.lsp.Client, id: integer }>
local asked = {}
--- Where the last automatic request was made: a key is both a change and a move.
--- @type table<integer, string>
local last_place = {}
--- Told once for each offer; forgotten all at once when there are many.
--- @type table<string, boolean>
local told, count_told = {}, 0
local MOST_TOLD = 1000

local function client_of(buffer)
  return vim.lsp.get_clients({ bufnr = buffer, name = 'rung' })[1]
end

local function cursor()
  local position = vim.api.nvim_win_get_cursor(0)
  return position[1] - 1, position[2]
end

local function inserting()
  return vim.api.nvim_get_mode().mode:sub(1, 1) == 'i'
end

local function id_of(item)
  return item.command and item.command.arguments and item.command.arguments[1]
end

local function tell(offer, outcome)
  local id = id_of(offer.items[offer.index])
  if id then
    offer.client:notify('rung/outcome', { id = id, outcome = outcome })
  end
end

--- What stands between the place where the items begin and the cursor; nil where the cursor is elsewhere.
local function typed_since(buffer, offer)
  local row, column = cursor()
  if row < offer.row or (row == offer.row and column < offer.column) or row - offer.row > 20 then
    return nil
  end
  local lines = vim.api.nvim_buf_get_text(buffer, offer.row, offer.column, row, column, {})
  return table.concat(lines, '\n')
end

--- What is left of the present item; nil where the user typed something else.
local function remaining(buffer)
  local offer = shown[buffer]
  local typed = offer and typed_since(buffer, offer)
  local text = offer and offer.items[offer.index].text
  if not typed or not vim.startswith(text, typed) or #text == #typed then
    return nil
  end
  return text:sub(#typed + 1)
end

local function draw(buffer)
  local rest = remaining(buffer)
  if not rest then
    return M.hide(buffer)
  end
  local row, column = cursor()
  ghost.draw(buffer, row, column, rest)
  local offer = shown[buffer]
  local id = id_of(offer.items[offer.index])
  if id and not told[id] then
    if count_told >= MOST_TOLD then
      told, count_told = {}, 0
    end
    told[id], count_told = true, count_told + 1
    tell(offer, 'shown')
  end
end

local function cancel(buffer)
  local request = asked[buffer]
  asked[buffer] = nil
  if request then
    request.client:cancel_request(request.id)
  end
end

--- The items, with the text that each has from its range's beginning; nil where they do not belong to the cursor's line.
local function read(buffer, client, result)
  local items = result and (result.items or result) or {}
  local row = cursor()
  local line = vim.api.nvim_buf_get_lines(buffer, row, row + 1, false)[1] or ''
  local kept, column = {}, nil
  for _, item in ipairs(items) do
    local text = type(item.insertText) == 'table' and item.insertText.value or item.insertText
    local start = item.range and item.range.start
    if type(text) == 'string' and text ~= '' and start and start.line == row then
      local at = vim.str_byteindex(line, client.offset_encoding, start.character, false)
      if column == nil or column == at then
        column = at
        kept[#kept + 1] = vim.tbl_extend('force', item, { text = text })
      end
    end
  end
  return #kept > 0 and { client = client, items = kept, index = 1, row = row, column = column } or nil
end

--- @param buffer integer
--- @param kind integer
--- @param on_items fun()|nil called when there are some
local function ask(buffer, kind, on_items)
  local client = client_of(buffer)
  if not client then
    return
  end
  cancel(buffer)
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.context = { triggerKind = kind }
  local tick, row, column = vim.b[buffer].changedtick, cursor()
  local mine
  local _, id = client:request(METHOD, params, function(err, result)
    if asked[buffer] ~= mine then
      return -- overtaken
    end
    asked[buffer] = nil
    local now_row, now_column = cursor()
    local moved = vim.api.nvim_get_current_buf() ~= buffer or vim.b[buffer].changedtick ~= tick
    if err or moved or now_row ~= row or now_column ~= column or not inserting() then
      return
    end
    local offer = read(buffer, client, result)
    if offer then
      shown[buffer] = offer
      draw(buffer)
      if on_items then
        on_items()
      end
    end
  end, buffer)
  if id then
    mine = { client = client, id = id }
    asked[buffer] = mine
  end
end

--- Put `text` at the cursor, and the cursor behind it.
local function insert(buffer, text)
  local row, column = cursor()
  local lines = vim.split(text, '\n', { plain = true })
  vim.api.nvim_buf_set_text(buffer, row, column, row, column, lines)
  local last = #lines[#lines] + (#lines == 1 and column or 0)
  vim.api.nvim_win_set_cursor(0, { row + #lines, last })
end

local function take_part(piece_of)
  local buffer = vim.api.nvim_get_current_buf()
  local rest = remaining(buffer)
  if not rest then
    return
  end
  local piece = piece_of(rest)
  if piece == rest then
    return M.accept()
  end
  insert(buffer, piece)
  tell(shown[buffer], 'partly_accepted')
  draw(buffer)
end

--- Whether something is shown here.
function M.visible()
  return remaining(vim.api.nvim_get_current_buf()) ~= nil
end

--- Insert what is shown. Nothing of this does anything where nothing is.
function M.accept()
  local buffer = vim.api.nvim_get_current_buf()
  local rest, offer = remaining(buffer), shown[buffer]
  if not rest then
    return
  end
  local item = offer.items[offer.index]
  M.hide(buffer)
  insert(buffer, rest)
  if item.command then
    local params = { command = item.command.command, arguments = item.command.arguments }
    offer.client:request('workspace/executeCommand', params, function() end, buffer)
  end
end

--- Insert its next word.
function M.accept_word()
  take_part(pieces.word)
end

--- Insert the rest of its first line.
function M.accept_line()
  take_part(pieces.line)
end

--- Show another one; several are asked for where there is only one yet.
--- @param step integer 1 or -1
function M.cycle(step)
  local buffer = vim.api.nvim_get_current_buf()
  local function turn()
    local offer = shown[buffer]
    for _ = 1, #offer.items do -- to the next that agrees with what was typed since
      offer.index = (offer.index - 1 + step) % #offer.items + 1
      if remaining(buffer) then
        break
      end
    end
    draw(buffer)
  end
  if shown[buffer] and #shown[buffer].items > 1 then
    turn()
  else
    ask(buffer, INVOKED, turn)
  end
end

--- Ask by hand.
function M.ask()
  ask(vim.api.nvim_get_current_buf(), INVOKED)
end

--- The params of `rung/refresh`: a better answer, or none, for where something is shown. Whether it is shown now; not
--- where the user has typed on or gone elsewhere.
--- @param client vim.lsp.Client
--- @return boolean
function M.improve(client, params)
  local buffer = vim.api.nvim_get_current_buf()
  local row, column = cursor()
  local at, document = params.position, params.textDocument
  if not shown[buffer] then
    return false
  end
  local same = vim.uri_to_bufnr(document.uri) == buffer and vim.lsp.util.buf_versions[buffer] == document.version
  local line = vim.api.nvim_get_current_line()
  local here = same and at.line == row and vim.str_byteindex(line, client.offset_encoding, at.character, false) == column
  if not here or not inserting() then
    return false
  end
  M.hide(buffer)
  local offer = read(buffer, client, params)
  if offer then
    shown[buffer] = offer
    draw(buffer)
  end
  return offer ~= nil or #params.items == 0
end

--- Make it go away, until the text changes. The next completion here comes from a larger rung.
function M.dismiss()
  local buffer = vim.api.nvim_get_current_buf()
  if remaining(buffer) then
    tell(shown[buffer], 'dismissed')
    M.hide(buffer)
  end
end

--- @param buffer integer
function M.hide(buffer)
  shown[buffer] = nil
  ghost.clear(buffer)
end

--- The text or the cursor has changed.
--- @param buffer integer
function M.follow(buffer)
  if remaining(buffer) then
    draw(buffer)
  else
    M.hide(buffer)
    local place = table.concat({ vim.b[buffer].changedtick, cursor() }, ':')
    if inserting() and place ~= last_place[buffer] then
      last_place[buffer] = place
      ask(buffer, AUTOMATIC)
    end
  end
end

--- Nobody looks at it any more.
--- @param buffer integer
function M.leave(buffer)
  cancel(buffer)
  last_place[buffer] = nil
  M.hide(buffer)
end

return M
