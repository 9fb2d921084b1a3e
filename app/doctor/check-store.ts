import { randomUUID } from 'node:crypto';
import type { Database } from '../../engine/ports/database.ts';
import { reportOf } from '../error-report.ts';
import type { StoredGitHosts } from '../installations/stored-git-hosts.ts';
import type { Check, Finding } from './finding.ts';

const subject = 'store';

/** Whether the database takes a write and gives it back. */
export function checkStore(database: Database, words: 'embedded' | 'mongodb'): Check {
  return {
    subject,
    async run() {
      const notes = database.collection<{ readonly _id: string; readonly at: Date }>('doctor');
      const _id = randomUUID();
      const began = performance.now();
      await notes.insertOne({ _id, at: new Date() });
      const found = await notes.findOne({ _id });
      await notes.deleteOne({ _id });
      const tookMs = Math.round(performance.now() - began);
      if (found === null) {
        return [
          {
            subject,
            state: 'broken',
            what: 'What is written is not there afterwards',
            why: 'A document that was just stored was not found',
            fix: 'Read from the primary: MONGODB_URI has to name a replica set without `readPreference`',
          },
        ];
      }
      const where = words === 'mongodb' ? 'MongoDB' : 'The embedded database';
      return [
        { subject, state: 'well', what: `${where} takes writes and gives them back (${tookMs} ms for three calls)` },
      ];
    },
  };
}

/** Whether secrets can be stored, and those that are stored can be read. */
export function checkEncryption(stored: StoredGitHosts): Check {
  const subject = 'encryption key';
  return {
    subject,
    async run() {
      const all = await stored.all();
      if (!stored.canStore) {
        const state = all.length > 0 ? 'broken' : 'warning';
        return [
          {
            subject,
            state,
            what: 'There is no key to store secrets of Git hosts with',
            why: 'Replicas that share a database cannot each make one',
            fix: 'Set SLIPWAY_ENCRYPTION_KEY to the output of `openssl rand -base64 32`, the same for all replicas',
          },
        ];
      }
      const findings: Finding[] = [];
      for (const { provider, settings } of all) {
        try {
          await settings();
        } catch (error) {
          const { message, fix } = reportOf(error);
          findings.push({
            subject,
            state: 'broken',
            what: `The stored secrets of ${provider} cannot be read`,
            why: message,
            fix: fix ?? '',
          });
        }
      }
      if (findings.length > 0) return findings;
      const what =
        all.length === 0
          ? 'Secrets can be stored; none are'
          : `The stored secrets of ${all.map(({ provider }) => provider).join(', ')} can be read`;
      return [{ subject, state: 'well', what }];
    },
  };
}
