local Component = require('lualine.component'):extend()

function Component:update_status()
  return require('rung.status').text()
end

return Component
