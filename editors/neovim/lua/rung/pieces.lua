--- What is taken of a text by the word and by the line.
local M = {}

--- The next word with the blanks before it; a run of signs is one.
--- @param text string
--- @return string
function M.word(text)
  return text:match('^%s*[%w_\128-\255]+') or text:match('^%s*[^%w%s_\128-\255]+') or text
end

--- The rest of this line; at its end, the next one with the line break before it.
--- @param text string
--- @return string
function M.line(text)
  return text:match('^\n[^\n]*') or text:match('^[^\n]+') or text
end

return M
