import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { documentdbMissing } from '../../contract/documentdb.ts';
import { embeddedFaultCluster } from '../../faults/fault-cluster.ts';
import { FaultWorld } from '../../faults/fault-world.ts';
import { Replica } from '../../faults/replica.ts';

describe.skipIf(documentdbMissing !== undefined)(`two replicas (${documentdbMissing ?? 'over one database'})`, () => {
  let world: FaultWorld;
  let replicas: readonly Replica[];
  let url: string;

  beforeAll(async () => {
    world = await FaultWorld.open(await embeddedFaultCluster());
    url = `http://127.0.0.1:${world.replicas[0]?.settings.webhookPort}`;
    replicas = world.replicas.map(({ settings }) => new Replica({ ...settings, url }));
    for (const replica of replicas) replica.start();
    await Promise.all(replicas.map((replica) => replica.ready()));
  }, 120_000);
  afterAll(async () => {
    for (const replica of replicas) await replica.kill();
    await world.close();
  }, 60_000);

  /** Asks one replica, as what balances load between them does: under the name that all of them have. */
  function asked(
    replica: Replica,
    path: string,
    cookie = '',
  ): Promise<{ status: number; cookie: string; text: string }> {
    const { host, webhookPort: port } = replica.settings;
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; cookie: string; text: string }>();
    const headers = { host: new URL(url).host, cookie };
    const sent = request({ host, port, path, headers, timeout: 10_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          cookie: response.headers['set-cookie']?.[0]?.split(';')[0] ?? '',
          text,
        }),
      );
    });
    sent.on('error', reject).end();
    return promise;
  }

  it('show runs, whichever is asked: the one that leads, and the one that stands by, to whom either signed in', async () => {
    const leading = await Promise.all(replicas.map((replica) => replica.get('/runs?limit=1')));
    const [leader, other] = [...replicas].sort((a, b) => Number(leads(b)) - Number(leads(a)));
    function leads(replica: Replica): boolean {
      return leading[replicas.indexOf(replica)] !== undefined;
    }
    if (leader === undefined || other === undefined) throw new Error('There are no two');
    expect([leads(leader), leads(other)]).toEqual([true, false]);
    const sha = await world.push();
    const runs = z.array(z.object({ runId: z.string(), headSha: z.string() }));
    let runId: string | undefined;
    while (runId === undefined) {
      const answer = await leader.get('/runs?limit=5');
      runId = runs.parse(await answer?.json()).find(({ headSha }) => headSha === sha)?.runId;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { link } = z.object({ link: z.string() }).parse(await leader.post(`/runs/${runId}/link`));
    expect((await asked(other, `/runs/${runId}`)).status).toBe(401);
    const signedIn = await asked(other, link.slice(url.length));
    expect(signedIn.status).toBe(303);
    expect((await asked(leader, link.slice(url.length))).status).toBe(401);
    for (const replica of [other, leader, other]) {
      const page = await asked(replica, `/runs/${runId}`, signedIn.cookie);
      expect(page.status).toBe(200);
      expect(page.text).toContain(sha.slice(0, 7));
      expect((await asked(replica, '/runs', signedIn.cookie)).text).toContain(`/runs/${runId}`);
    }
  }, 60_000);
});
