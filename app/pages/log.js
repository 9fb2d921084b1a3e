// Follows a stage's log, and goes to the line that the address names. Rows come from the server, escaped there.
const table = document.getElementById('log');
const body = table.tBodies[0];
const said = document.getElementById('following');

function goToLine() {
  const number = Number(/^#L(\d+)$/.exec(location.hash)?.[1]);
  if (!number || document.getElementById(`L${number}`)) return;
  // It stands on another part of a long log.
  if (number <= Number(table.dataset.first))
    location.replace(`${table.dataset.page}&from=${Math.max(0, number - 100)}${location.hash}`);
}

function follow(address) {
  const source = new EventSource(address);
  source.addEventListener('lines', ({ data }) => {
    const isAtEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 40;
    document.getElementById('empty')?.remove();
    const rows = document.createElement('template');
    rows.innerHTML = data;
    body.append(rows.content);
    if (isAtEnd && !location.hash) scrollTo(0, document.documentElement.scrollHeight);
  });
  source.addEventListener('end', () => {
    source.close();
    // The stage's result is known a moment later than its last line.
    said.textContent = 'It has ended.';
    setTimeout(() => location.reload(), 1000);
  });
}

goToLine();
addEventListener('hashchange', goToLine);
if (table.dataset.stream) follow(table.dataset.stream);
