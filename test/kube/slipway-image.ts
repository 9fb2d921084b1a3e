import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ctr, registry, toolsFolder } from './real-cluster.ts';

const root = join(import.meta.dirname, '..', '..');
const authorities = '/etc/ssl/certs/ca-certificates.crt';
const metadata = z.object({ 'containerimage.digest': z.string().startsWith('sha256:') });

/**
 * Builds this checkout's image with BuildKit, pushes it to the cluster's registry and pulls it onto the node.
 * @returns the image by digest; SLIPWAY_TEST_IMAGE, where set, is taken instead
 */
export async function buildSlipwayImage(): Promise<string> {
  const given = process.env['SLIPWAY_TEST_IMAGE'];
  if (given !== undefined) return given;
  const folder = mkdtempSync(join(tmpdir(), 'slipway-build-'));
  execFileSync(join(toolsFolder, 'install'), [folder, 'buildkitd', 'buildctl'], { stdio: 'ignore' });
  const base = `${registry}/local/node:1`;
  ctr('images', 'tag', '--force', 'docker.io/local/node:1', base);
  ctr('images', 'push', '--plain-http', base);
  const address = `unix://${join(folder, 'socket')}`;
  const settings = join(folder, 'buildkitd.toml');
  writeFileSync(
    settings,
    `root = "${folder}/state"\n[worker.oci]\nenabled = true\nnetworkMode = "host"\n[worker.containerd]\nenabled = false\n[registry."${registry}"]\nhttp = true\n`,
  );
  const daemon = spawn(join(folder, 'buildkitd'), ['--config', settings, '--addr', address], { stdio: 'ignore' });
  try {
    const deadline = Date.now() + 30_000;
    while (!existsSync(join(folder, 'socket'))) {
      if (daemon.exitCode !== null || Date.now() > deadline) throw new Error('buildkitd did not start');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const result = join(folder, 'result.json');
    execFileSync(
      join(folder, 'buildctl'),
      [
        ...['--addr', address, 'build', '--frontend', 'dockerfile.v0'],
        ...['--local', `context=${root}`, '--local', `dockerfile=${root}`, '--opt', `build-arg:BASE=${base}`],
        ...(existsSync(authorities) ? ['--opt', `build-arg:NODE_EXTRA_CA_CERTS=${authorities}`] : []),
        ...['--output', `type=image,name=${registry}/slipway:test,push=true`, '--metadata-file', result],
      ],
      { stdio: 'pipe' },
    );
    const digest = metadata.parse(JSON.parse(readFileSync(result, 'utf8')))['containerimage.digest'];
    return `${registry}/slipway@${digest}`;
  } finally {
    daemon.kill('SIGTERM');
    await new Promise((resolve) => daemon.once('exit', resolve));
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
