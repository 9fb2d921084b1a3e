import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { BSON } from 'mongodb';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseLimits } from '../../app/database-limits.ts';
import { openDatabase } from '../../app/open-database.ts';
import { framesOf } from '../faults/proxies/frames.ts';

/** A MongoDB that greets, and then does not say another word: its machine went away. */
async function silentDatabase(): Promise<{ readonly server: Server; readonly port: number; readonly asked: string[] }> {
  const asked: string[] = [];
  const serve = async (socket: Socket) => {
    for await (const { bytes, id } of framesOf(socket)) {
      const isOld = bytes.readInt32LE(12) === 2004;
      const body = isOld ? bytes.subarray(bytes.indexOf(0, 20) + 9) : bytes.subarray(21);
      const [command = ''] = Object.keys(BSON.deserialize(body));
      asked.push(command);
      if (command.toLowerCase() === 'hello' || command === 'ismaster') socket.write(greeting(id, isOld));
    }
  };
  const server = createServer((socket) => {
    serve(socket).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0, asked };
}

function greeting(answerTo: number, isOld: boolean): Buffer {
  const document = BSON.serialize({ ok: 1, isWritablePrimary: true, maxWireVersion: 25, minWireVersion: 0 });
  const head = Buffer.alloc(isOld ? 36 : 21);
  head.writeInt32LE(head.length + document.length, 0);
  head.writeInt32LE(answerTo, 8);
  head.writeInt32LE(isOld ? 1 : 2013, 12);
  if (isOld) head.writeInt32LE(1, 32);
  return Buffer.concat([head, document]);
}

describe('a database that does not answer', () => {
  let silent: Awaited<ReturnType<typeof silentDatabase>>;
  beforeEach(async () => {
    silent = await silentDatabase();
  });
  afterEach(() => {
    silent.server.close();
  });

  it('is given up in the time that its URI names, though its connection stands', async () => {
    const uri = `mongodb://127.0.0.1:${silent.port}/slipway?directConnection=true&socketTimeoutMS=100`;
    const opened = await openDatabase(
      {
        dataDir: '',
        replica: 'one',
        listen: { host: '127.0.0.1', port: 0 },
        agents: { host: '127.0.0.1', port: 0 },
        database: { type: 'mongodb', uri },
        kubeconfig: '',
        agentImage: '',
        gitHosts: [],
        apiToken: '',
        slots: { teamSlots: 1, poolSlots: 1, ageAfterMs: 1 },
      },
      pino({ level: 'silent' }),
    );
    await expect(opened.database.collection('runs').findOne({ name: 'r1' })).rejects.toThrow(/timed out/);
    // Once, and once more as the client does by itself.
    expect(silent.asked.filter((command) => command === 'find')).toHaveLength(2);
    await opened.close();
  });

  it('is given up within seconds where its URI names nothing', () => {
    const limits = databaseLimits('mongodb://a,b/slipway?replicaSet=rs');
    expect(Object.keys(limits).sort()).toEqual([
      'connectTimeoutMS',
      'serverSelectionTimeoutMS',
      'socketTimeoutMS',
      'waitQueueTimeoutMS',
    ]);
    for (const limitMs of Object.values(limits)) {
      expect(limitMs).toBeGreaterThan(0);
      expect(limitMs).toBeLessThanOrEqual(30_000);
    }
  });

  it('is waited for as long as its URI says, in whatever spelling', () => {
    expect(databaseLimits('mongodb://a/slipway?sockettimeoutms=60000&w=majority')).not.toHaveProperty(
      'socketTimeoutMS',
    );
  });
});
