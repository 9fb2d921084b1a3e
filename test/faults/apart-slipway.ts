import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { KillableSlipway, program } from './killable-slipway.ts';
import type { Seeded } from './seeded.ts';

/** Slipway over an embedded cluster that is a process of its own: either dies without the other, or both do. */
export class ApartSlipway extends KillableSlipway {
  readonly #random: Seeded;
  #cluster: ChildProcess | undefined;
  #isUp = false;

  constructor(random: Seeded) {
    super();
    this.#random = random;
  }

  get #clusterDir(): string {
    return join(this.dataDir, 'apart');
  }

  protected override environment(): Readonly<Record<string, string>> {
    return { KUBECONFIG: join(this.#clusterDir, 'kubeconfig') };
  }

  /** Starts what does not run. */
  override async start(): Promise<void> {
    if (this.#cluster === undefined) await this.#startCluster();
    if (!this.#isUp) await super.start();
    this.#isUp = true;
  }

  override async kill(): Promise<void> {
    const victims = this.#random.pick(['slipway', 'cluster', 'both']);
    if (victims !== 'cluster') {
      await super.kill();
      this.#isUp = false;
    }
    if (victims !== 'slipway') await this.#endCluster('SIGKILL');
  }

  override async close(): Promise<void> {
    await super.close(() => this.#endCluster('SIGTERM'));
  }

  async #startCluster(): Promise<void> {
    const child = spawn(process.execPath, [program, 'embedded', 'cluster', '--data', this.#clusterDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#cluster = child;
    await once(createInterface({ input: child.stdout }), 'line');
  }

  async #endCluster(signal: NodeJS.Signals): Promise<void> {
    const child = this.#cluster;
    if (child === undefined) return;
    this.#cluster = undefined;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}
