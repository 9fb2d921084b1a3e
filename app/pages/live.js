// Keeps the parts of a page that change by themselves fresh: asks for the same page and swaps the parts that the
// server now words differently. Without script the page works the same, by reloading.
const said = new Map();
for (const part of document.querySelectorAll('[data-live]')) said.set(part.id, part.innerHTML);

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const part of document.querySelectorAll('[data-live]')) {
    const next = fresh.getElementById(part.id);
    if (!next || said.get(part.id) === next.innerHTML || part.contains(document.activeElement)) continue;
    said.set(part.id, next.innerHTML);
    // What the reader folded or unfolded stays so.
    const folds = [...part.querySelectorAll('details')].map((fold) => fold.open);
    for (const [index, fold] of next.querySelectorAll('details').entries()) fold.open = folds[index] ?? fold.open;
    part.replaceWith(next);
  }
}

if (said.size > 0) {
  const timer = setInterval(() => {
    // What has ended is told without the mark.
    // A server that does not answer now is asked again at the next tick; until then the page shows what it last heard.
    if (document.querySelector('[data-live]')) refresh().catch(() => undefined);
    else clearInterval(timer);
  }, 2500);
}
