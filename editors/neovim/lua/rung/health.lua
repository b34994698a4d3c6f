local M = {}

local WITHIN_MS = 60000

--- What `rung doctor` finds for a project.
local function doctor(cmd, place)
  local health = vim.health
  local words = require('rung').command(cmd, 'doctor', place)
  local found = vim.system(words, { text = true, env = { COLUMNS = '1000' } }):wait(WITHIN_MS)
  for line in ((found.stdout or '') .. (found.stderr or '')):gmatch('[^\n]+') do
    local mark, sentence = line:match('^(%S%S) (.*)')
    local tell = ({ ok = health.ok, ['!!'] = health.error, ['--'] = health.warn })[mark]
    if tell then
      tell(sentence)
    else
      health.info(line)
    end
  end
  if found.code == 124 then
    health.warn(('`rung doctor` was not done within %d s'):format(WITHIN_MS / 1000))
  end
end

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
  doctor(cmd, clients[1] and clients[1].root_dir or vim.fn.getcwd())
end

return M
