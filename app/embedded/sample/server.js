import { createServer } from 'node:http';
import { greet } from './src/greeting.js';
import { page } from './src/page.js';

const port = Number(process.env.PORT ?? 8080);

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname === '/healthz') return response.writeHead(200).end('ok\n');
  if (pathname !== '/') return response.writeHead(404).end('not found\n');
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  response.end(page(greet(searchParams.get('name') ?? 'world')));
});

server.listen(port, () => console.log(`listening on ${port}`));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
