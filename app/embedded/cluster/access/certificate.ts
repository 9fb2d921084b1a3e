import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { readIfPresent, writePrivate } from './private-file.ts';

const Identity = z.object({ ca: z.string(), certificate: z.string(), key: z.string() });
/** PEM texts: the authority that clients trust, and what the server shows. */
export type Identity = z.infer<typeof Identity>;

const validYears = 10;
const renewBeforeMs = 30 * 24 * 3_600_000;

/** The cluster's own authority and server certificate for loopback, made at the first start and kept. */
export async function serverIdentity(folder: string, now: Date): Promise<Identity> {
  const file = join(folder, 'identity.json');
  const kept = readIfPresent(file);
  if (kept !== undefined) {
    const identity = Identity.parse(JSON.parse(kept));
    const end = Date.parse(new X509Certificate(identity.certificate).validTo);
    if (end - now.getTime() > renewBeforeMs) return identity;
  }
  // Loaded only when needed: it takes a while, and most starts find the certificate made.
  const { generate } = await import('selfsigned');
  const notAfterDate = new Date(now);
  notAfterDate.setFullYear(now.getFullYear() + validYears);
  const dates = { notBeforeDate: new Date(now.getTime() - 3_600_000), notAfterDate };
  const authority = await generate([{ name: 'commonName', value: 'slipway embedded cluster authority' }], {
    ...dates,
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: 'commonName', value: 'slipway embedded cluster' }], {
    ...dates,
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 7, ip: '127.0.0.1' },
          { type: 2, value: 'localhost' },
        ],
      },
    ],
  });
  const identity = { ca: authority.cert, certificate: server.cert, key: server.private };
  writePrivate(file, JSON.stringify(identity));
  return identity;
}
