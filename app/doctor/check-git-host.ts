import type { RepositoryRef } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import { whyUnanswered } from '../../engine/unanswered.ts';
import type { GitHost } from '../../providers/git-host.ts';
import type { CredentialReport } from '../../providers/git-host-credentials.ts';
import type { GitHostSetup } from '../../providers/git-host-setup.ts';
import { daysLeft, isExpiringSoon } from '../installations/expiry.ts';
import type { Check, Finding } from './finding.ts';

const timeoutMs = 10_000;
/** Hosts tell their time to the second. */
const worrySkewMs = 10_000;
/** GitHub takes no App whose clock is ahead by more, and GitLab's signatures hold for five minutes. */
const brokenSkewMs = 60_000;

/** Whether the host answers, what its clock says, what our credentials are worth, and whether code can be cloned. */
export function checkGitHost(parts: {
  readonly setup: GitHostSetup;
  readonly host: GitHost;
  /** One that we may work in; undefined where none is known yet. */
  readonly repository: RepositoryRef | undefined;
  readonly clock: Clock;
}): Check {
  const { setup, clock } = parts;
  const subject = setup.provider;
  return {
    subject,
    async *run() {
      yield await checkClock(setup, clock);
      for (const report of await setup.credentials(() => clock.now()).examine())
        yield* credentialFindings(subject, report, clock.now());
      if (parts.repository !== undefined) yield* await checkClone(subject, parts.host, parts.repository);
    },
  };
}

async function checkClock({ provider: subject, apiUrl }: GitHostSetup, clock: Clock): Promise<Finding> {
  const before = clock.now().getTime();
  let date: string | null;
  try {
    const response = await fetch(apiUrl, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
    await response.body?.cancel();
    date = response.headers.get('date');
  } catch (error) {
    return {
      subject,
      state: 'broken',
      what: `${apiUrl} does not answer`,
      why: whyUnanswered(error),
      fix: 'Look whether this machine reaches it, and whether its address is right',
    };
  }
  const theirs = Date.parse(date ?? '');
  if (Number.isNaN(theirs)) return { subject, state: 'well', what: `${apiUrl} answers` };
  const ours = (before + clock.now().getTime()) / 2;
  const skewMs = ours - theirs;
  const seconds = Math.round(Math.abs(skewMs) / 1_000);
  if (Math.abs(skewMs) <= worrySkewMs)
    return { subject, state: 'well', what: `${apiUrl} answers, and its clock agrees` };
  return {
    subject,
    state: Math.abs(skewMs) > brokenSkewMs ? 'broken' : 'warning',
    what: `The clock of this machine is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} the one of ${apiUrl}`,
    why: 'Signatures and sign-ins hold for a short time by both clocks',
    fix: 'Let this machine take its time from a time server (NTP)',
  };
}

function* credentialFindings(subject: string, report: CredentialReport, now: Date): Generator<Finding> {
  const { name, actsAs, scopes, expiresAt, faults } = report;
  for (const { severity, why, fix } of faults)
    yield {
      subject,
      state: severity,
      what: severity === 'broken' ? `${name} does not work` : `${name} does more than it should`,
      why,
      fix,
    };
  if (expiresAt !== undefined && isExpiringSoon(expiresAt, now)) {
    yield {
      subject,
      state: 'warning',
      what: `${name} ends in ${daysInWords(daysLeft(expiresAt, now))}, on ${expiresAt.toISOString().slice(0, 10)}`,
      why: 'From then on nothing works there any more',
      fix: `Make a new one, and give it by \`slipway connect ${subject} ...\` or as ${name}`,
    };
  }
  if (faults.some(({ severity }) => severity === 'broken')) return;
  const facts = [
    ...(actsAs === undefined ? [] : [`acts as ${actsAs}`]),
    ...(scopes === undefined ? [] : [`may ${scopes.join(', ')}`]),
    ...(expiresAt === undefined ? [] : [`ends on ${expiresAt.toISOString().slice(0, 10)}`]),
  ];
  yield { subject, state: 'well', what: `${name} is taken${facts.length === 0 ? '' : `: ${facts.join('; ')}`}` };
}

function daysInWords(days: number): string {
  return days === 0 ? 'less than a day' : days === 1 ? '1 day' : `${days} days`;
}

/** As git itself would begin. That it may push is asked for in the same way, and nothing is pushed. */
async function checkClone(subject: string, host: GitHost, repository: RepositoryRef): Promise<readonly Finding[]> {
  const { url, credential } = await host.cloneAccess(repository);
  const name = `${repository.owner}/${repository.name}`;
  const authorization =
    credential === undefined
      ? undefined
      : `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`;
  const status = async (service: string): Promise<number> => {
    const response = await fetch(`${url}/info/refs?service=${service}`, {
      ...(authorization === undefined ? {} : { headers: { authorization } }),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    return response.status;
  };
  const read = await status('git-upload-pack');
  if (read !== 200) {
    return [
      {
        subject,
        state: 'broken',
        what: `Pods cannot clone ${name}`,
        why: `The host answered ${read} to what they clone with`,
        fix: 'Make a new token that may read the repositories, and connect again',
      },
    ];
  }
  const mayPush = (await status('git-receive-pack')) === 200;
  return [
    { subject, state: 'well', what: `Pods can clone ${name}` },
    ...(mayPush
      ? ([
          {
            subject,
            state: 'warning',
            what: `What pods clone ${name} with may push, too`,
            why: 'It comes near to code of strangers, who could change the repository with it',
            fix: 'Make a token that may read alone, and connect again',
          },
        ] as const)
      : []),
  ];
}
