if vim.g.loaded_rung then
  return
end
vim.g.loaded_rung = true

vim.api.nvim_create_user_command('Rung', function(command)
  require('rung.commands').run(command.fargs)
end, {
  nargs = '*',
  desc = 'rung: status, explain, report, pause, resume, trust, restart',
  complete = function(lead, line)
    return require('rung.commands').matching(lead, line)
  end,
})

for _, name in ipairs({ 'accept', 'word', 'line', 'next', 'previous', 'dismiss', 'ask' }) do
  vim.keymap.set('i', ('<Plug>(rung-%s)'):format(name), function()
    return require('rung').keys_of(name)
  end, { expr = true, replace_keycodes = true, desc = 'rung: ' .. name })
end
