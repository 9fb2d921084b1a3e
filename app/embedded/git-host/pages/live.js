// Keeps the parts of a page that change by themselves fresh: asks for the same page and swaps parts that differ.
// Without script the page works the same, by reloading.
const parts = [...document.querySelectorAll('[data-live]')];

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const part of document.querySelectorAll('[data-live]')) {
    const next = fresh.getElementById(part.id);
    const isInUse = part.contains(document.activeElement) && document.activeElement !== document.body;
    if (next && !isInUse && next.innerHTML !== part.innerHTML) part.replaceWith(next);
  }
}

if (parts.length > 0) setInterval(() => refresh().catch(() => undefined), 2500);
