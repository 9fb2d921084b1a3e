const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export function page(text) {
  const safe = text.replaceAll(/[&<>"']/g, (character) => escapes[character]);
  return `<!doctype html><meta charset="utf-8"><title>hello</title><h1>${safe}</h1>\n`;
}
