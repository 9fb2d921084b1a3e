import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ctr, registry, toolsFolder } from './real-cluster.ts';

const root = join(import.meta.dirname, '..', '..');
const authorities = '/etc/ssl/certs/ca-certificates.crt';
const metadata = z.object({ 'containerimage.digest': z.string().startsWith('sha256:') });

/**
 * This checkout's image in the cluster's registry. Built once for what it is made of: the suites, the faults and the
 * benchmarks that follow each other find it there.
 * @returns the image by digest; SLIPWAY_TEST_IMAGE, where set, is taken instead
 */
export async function slipwayImage(): Promise<string> {
  const given = process.env['SLIPWAY_TEST_IMAGE'];
  if (given !== undefined) return given;
  const tag = contentTag();
  const digest = (await pushedDigest(tag)) ?? (await build(tag));
  return `${registry}/slipway@${digest}`;
}

/** Tells one image from another by what it is made of: a change of a test makes no other image. */
function contentTag(): string {
  const listed = execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', '.', ':!test', ':!docs', ':!README.md'],
    { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 },
  );
  const hash = createHash('sha256');
  for (const file of new Set(listed.split('\0'))) {
    const path = join(root, file);
    // Removed, and not yet committed.
    if (file === '' || !existsSync(path)) continue;
    const content = createHash('sha256').update(readFileSync(path)).digest('hex');
    hash.update(`${file}\0${statSync(path).mode & 0o111}\0${content}\0`);
  }
  return `test-${hash.digest('hex').slice(0, 32)}`;
}

/** @returns undefined where the registry has no such image */
async function pushedDigest(tag: string): Promise<string | undefined> {
  const answer = await fetch(`http://${registry}/v2/slipway/manifests/${tag}`, {
    method: 'HEAD',
    headers: {
      accept: 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json',
    },
    signal: AbortSignal.timeout(10_000),
  });
  return answer.ok ? (answer.headers.get('docker-content-digest') ?? undefined) : undefined;
}

/** Builds with BuildKit and pushes. @returns the digest */
async function build(tag: string): Promise<string> {
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
        ...['--output', `type=image,name=${registry}/slipway:${tag},push=true`, '--metadata-file', result],
      ],
      { stdio: 'pipe' },
    );
    return metadata.parse(JSON.parse(readFileSync(result, 'utf8')))['containerimage.digest'];
  } finally {
    daemon.kill('SIGTERM');
    await new Promise((resolve) => daemon.once('exit', resolve));
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
