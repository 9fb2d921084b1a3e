import { createServer } from 'node:http';
import { tell } from './child.ts';

const server = createServer((request, response) => {
  request.pipe(response);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) tell({ port: address.port });
});
