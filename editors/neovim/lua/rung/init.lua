--- rung: inline completion by a ladder of models.
local M = {}

--- @class rung.Options
--- @field cmd string[]|nil the server; `rung serve` of the active environment, or of PATH
--- @field filetypes string[]
--- @field root_markers string[]
--- @field refresh boolean show a text while a better one is still sought, and replace it unless you have typed on
--- @field keymaps table<string, string|false> accept, word, line, next, previous, dismiss, ask: keys of insert mode
local defaults = {
  cmd = nil,
  filetypes = { 'python' },
  root_markers = { '.rung.yaml', 'pyproject.toml', '.git' },
  refresh = true,
  keymaps = {
    accept = '<Tab>',
    word = '<M-Right>',
    line = '<M-Down>',
    next = '<M-]>',
    previous = '<M-[>',
    dismiss = '<C-]>',
    ask = '<M-\\>',
  },
}

M.INSTALL = 'put it on PATH (its README says how), or set `cmd` in require("rung").setup{}'

--- The server's command; nil where there is none.
--- @param given string[]|nil
--- @return string[]|nil
function M.find(given)
  if given then
    return vim.fn.executable(given[1]) == 1 and given or nil
  end
  -- not the project's own environment: who opens a file of it has not said that its programs may run
  local places = { (vim.env.VIRTUAL_ENV or '') .. '/bin/rung', 'rung' }
  for _, place in ipairs(places) do
    if vim.fn.executable(place) == 1 then
      return { place, 'serve' }
    end
  end
  return nil
end

--- The server's command with another one in the place of `serve`.
--- @param cmd string[]
--- @return string[]
function M.command(cmd, ...)
  local words = {}
  for _, word in ipairs(cmd) do
    if word == 'serve' then
      break
    end
    words[#words + 1] = word
  end
  return vim.list_extend(words, { ... })
end

--- @param options rung.Options|nil
function M.setup(options)
  if vim.fn.has('nvim-0.11') == 0 then
    vim.notify('rung needs Neovim 0.11 or later', vim.log.levels.ERROR)
    return
  end
  options = vim.tbl_deep_extend('force', defaults, options or {})
  M.options = options
  vim.api.nvim_set_hl(0, 'RungGhost', { default = true, link = 'Comment' })
  local cmd = M.find(options.cmd)
  if not cmd then
    vim.notify('rung is not installed here: ' .. M.INSTALL, vim.log.levels.WARN)
    return
  end
  M.cmd = cmd
  vim.lsp.config('rung', {
    cmd = cmd,
    filetypes = options.filetypes,
    root_markers = options.root_markers,
    capabilities = {
      textDocument = { inlineCompletion = { dynamicRegistration = false } },
      experimental = { rung = { status = true, refresh = options.refresh } },
    },
    handlers = {
      ['rung/status'] = function(_, params, context)
        require('rung.status').told(params, context.client_id)
      end,
      ['rung/refresh'] = function(_, params, context)
        return require('rung.completion').improve(vim.lsp.get_client_by_id(context.client_id), params)
      end,
      -- Neovim's own would take the next keys for its answer, in the middle of typing
      ['window/showMessageRequest'] = function(_, params)
        vim.notify('rung: ' .. params.message .. ' In Neovim: `:Rung trust`.', vim.log.levels.WARN)
        return vim.NIL
      end,
    },
    on_init = function(client)
      -- Neovim 0.12's own, where the user has switched it on, would draw the text a second time
      client.server_capabilities.inlineCompletionProvider = nil
      require('rung.commands').started(client)
    end,
    on_exit = function(...)
      require('rung.restart').ended(...)
    end,
    on_attach = function(_, buffer)
      M._follow(buffer)
    end,
  })
  for name, key in pairs(options.keymaps) do
    if key then
      M._map(name, key)
    end
  end
  vim.lsp.enable('rung')
end

--- What `<Plug>(rung-NAME)` does: the name of a function of `rung.completion`.
M.actions = {
  accept = 'accept()',
  word = 'accept_word()',
  line = 'accept_line()',
  next = 'cycle(1)',
  previous = 'cycle(-1)',
  dismiss = 'dismiss()',
  ask = 'ask()',
}

--- Of these the keys do what they do without rung where nothing is shown.
local NEED_TEXT = { accept = true, word = true, line = true, dismiss = true }

--- What a mapping of an action types: nothing that comes later may overtake it.
--- @param name string
--- @return string
function M.keys_of(name)
  return ("<Cmd>lua require('rung.completion').%s<CR>"):format(M.actions[name])
end

--- What the keys did before rung took them, by key: Neovim's own jump in a snippet, or the user's mapping.
--- @type table<string, table>
local before = {}

--- Does what the key did, as far as that is no typing; the rest is returned, as an expression mapping has it.
--- @param key string
--- @return string
local function without_rung(key)
  local found = before[key]
  if vim.tbl_isempty(found) or found.buffer == 1 then -- one of a buffer goes before rung's anyway
    return vim.keycode(key)
  end
  local keys
  if found.callback then
    keys = found.callback()
    if found.expr == 0 or type(keys) ~= 'string' then
      return ''
    end
    keys = found.replace_keycodes == 1 and vim.keycode(keys) or keys
  else
    keys = vim.keycode(found.expr == 1 and vim.api.nvim_eval(found.rhs) or found.rhs)
  end
  if found.noremap == 1 then
    return keys
  end
  vim.api.nvim_feedkeys(keys, 'im', false)
  return ''
end

function M._map(name, key)
  before[key] = before[key] or vim.fn.maparg(key, 'i', false, true) -- `setup` may be called again
  vim.keymap.set('i', key, function()
    if NEED_TEXT[name] and not require('rung.completion').visible() then
      return without_rung(key)
    end
    return vim.keycode(M.keys_of(name))
  end, { expr = true, replace_keycodes = false, desc = 'rung: ' .. name })
end

--- @param buffer integer
function M._follow(buffer)
  local completion = require('rung.completion')
  local group = vim.api.nvim_create_augroup('rung.' .. buffer, { clear = true })
  local function on(events, action)
    vim.api.nvim_create_autocmd(events, { group = group, buffer = buffer, callback = action })
  end
  local follow = vim.schedule_wrap(function() -- at InsertEnter the mode is not yet insert
    if vim.api.nvim_get_current_buf() == buffer then
      completion.follow(buffer)
    end
  end)
  on({ 'InsertEnter', 'TextChangedI', 'TextChangedP', 'CursorMovedI' }, follow)
  follow() -- who types already when the server has started has no event to come
  on({ 'InsertLeave', 'BufLeave', 'LspDetach' }, function()
    completion.leave(buffer)
  end)
end

return M
