local M = {}

function M.check()
  local health, rung = vim.health, require('rung')
  health.start('rung')
  if vim.fn.has('nvim-0.11') == 1 then
    health.ok('Neovim ' .. tostring(vim.version()))
  else
    health.error('Neovim 0.11 or later is needed')
  end
  if not rung.options then
    health.warn('it is not set up', { "require('rung').setup{}" })
  end
  local cmd = rung.find(rung.options and rung.options.cmd)
  if not cmd then
    health.error('rung is not installed here', { rung.INSTALL })
    return
  end
  health.ok('the server: ' .. table.concat(cmd, ' '))
  local clients = vim.lsp.get_clients({ name = 'rung' })
  if #clients == 0 then
    health.info('it does not run: no buffer of ' .. table.concat((rung.options or { filetypes = {} }).filetypes, ', ') .. ' is open')
  end
  for _, client in ipairs(clients) do
    health.ok(('it runs for %s'):format(client.root_dir or 'single files'))
  end
  local doctor = vim.system({ cmd[1], 'doctor' }, { text = true }):wait(30000)
  for line in ((doctor.stdout or '') .. (doctor.stderr or '')):gmatch('[^\n]+') do
    health.info(line)
  end
end

return M
