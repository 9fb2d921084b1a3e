import { mkdir, readFile } from 'node:fs/promises';
import { Metadata } from '@grpc/grpc-js';
import { unpack } from './archive.ts';
import { AgentClient } from './client.ts';
import { tokenHeader } from './protocol.ts';

// Runs before a deployed service, in its own pod: brings the artifact of its revision into the pod's volume.

const tries = 60;
const retryMs = 1_000;

async function fetchOnce(setting: {
  readonly endpoint: string;
  readonly tokenFile: string;
  readonly digest: string;
  readonly folder: string;
}): Promise<void> {
  const client = new AgentClient(setting.endpoint);
  try {
    const metadata = new Metadata();
    metadata.set(tokenHeader, `Bearer ${(await readFile(setting.tokenFile, 'utf8')).trim()}`);
    await mkdir(setting.folder, { recursive: true });
    await unpack(setting.folder, client.getArtifact({ digest: setting.digest }, metadata));
  } finally {
    client.close();
  }
}

function required(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  process.stderr.write(`slipway fetch-artifact: ${name} is not set; it runs in the pods that Slipway makes\n`);
  process.exit(2);
}

const setting = {
  endpoint: required('SLIPWAY_AGENT_ENDPOINT'),
  tokenFile: required('SLIPWAY_AGENT_TOKEN_FILE'),
  digest: required('SLIPWAY_ARTIFACT'),
  folder: required('SLIPWAY_WORKSPACE'),
};
for (let attempt = 1; ; attempt += 1) {
  try {
    await fetchOnce(setting);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`slipway fetch-artifact: ${error instanceof Error ? error.message : String(error)}\n`);
    if (attempt >= tries) process.exit(1);
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}
