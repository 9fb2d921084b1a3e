import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium as driver, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { failingTest, fix, sampleFiles } from '../../app/embedded/tour/sample-changes.ts';
import { chromium, withoutChromium } from './chromium.ts';
import { startWhole, type WholeSlipway } from './whole-slipway.ts';

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const phone = { width: 390, height: 844 };
const violations = z.array(
  z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string(), failureSummary: z.string().optional() })) }),
);

/** What a browser had to complain about. */
const complaints: string[] = [];
let folder: string;
let whole: WholeSlipway;
let browser: Browser;
let person: BrowserContext;
let page: Page;
/** The page of the check that failed. */
let checkAddress = '';

describe.skipIf(withoutChromium !== undefined)(
  `pages in a browser${withoutChromium === undefined ? '' : ` (skipped: ${withoutChromium})`}`,
  () => {
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'slipway-browser-'));
      whole = await startWhole(folder);
      browser = await driver.launch({
        ...(chromium === undefined ? {} : { executablePath: chromium }),
        // The sandbox needs rights that root in a container does not have; only our own pages are opened.
        args: ['--no-sandbox'],
      });
      person = await browser.newContext();
      person.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
      });
      person.on('weberror', (error) => void complaints.push(String(error.error())));
      person.on('requestfailed', (request) => {
        // A page that is left takes its questions back.
        if (request.failure()?.errorText !== 'net::ERR_ABORTED') complaints.push(`${request.url()} failed`);
      });
      page = await person.newPage();
      page.setDefaultTimeout(60_000);
      await whole.copy.push('main', sampleFiles(), 'A small web service');
      await whole.copy.push(failingTest.branch, failingTest.files, failingTest.message);
    });
    afterAll(async () => {
      await browser.close();
      await whole.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    it('takes a person from the sign-in link to a deployed change, in the pull request alone', async () => {
      await page.goto(whole.host.signInLink('dev'));
      await page.getByRole('link', { name: 'acme / web' }).click();
      await page.getByText('main', { exact: true }).first().click();
      await page.getByRole('listitem').filter({ hasText: 'louder' }).getByRole('link', { name: 'Open a' }).click();
      await page.getByLabel('Title').fill('Greet louder');
      await page.getByRole('button', { name: 'Open pull request' }).click();

      // The failing check and its line, without a reload.
      await page.getByRole('heading', { name: 'test: 3 of 4 tests failed' }).waitFor();
      const merging = page.getByRole('region', { name: 'Merging' });
      await merging.getByText('failed', { exact: true }).first().waitFor({ state: 'attached' });
      await page.getByRole('link', { name: 'Files changed' }).click();
      await page.getByText('greets by name', { exact: true }).first().waitFor();
      await page.getByText('test/greeting.test.js, line 6').waitFor();
      await page.getByRole('link', { name: 'Conversation' }).click();
      await merging.getByRole('link', { name: 'slipway / test' }).click();
      await page.getByText("- 'Hello, Ada!'").first().waitFor();
      await page.getByRole('button', { name: 'Run again' }).waitFor();
      checkAddress = page.url();

      // The run behind it, without signing in once more: its log, and the line that failed.
      await page.getByRole('link', { name: 'Details' }).click();
      await page.getByRole('heading', { name: 'test: 3 of 4 tests failed' }).waitFor();
      expect(page.url()).toContain(`${whole.slipway.url}/runs/`);
      expect(page.url()).not.toContain('token');
      await page.getByText('greets by name').first().waitFor();
      await page.getByRole('link', { name: '2', exact: true }).click();
      expect(page.url()).toMatch(/#L2$/);
      await page.getByRole('link', { name: 'The whole run' }).click();
      await page.getByText('test failed after').waitFor();
      await page.goto(`${whole.host.url}/acme/web/pull/1`);

      // A command gets its reaction and its answer.
      await page.getByLabel('Add a comment').fill('/help');
      await page.getByRole('button', { name: 'Comment', exact: true }).click();
      const asked = page
        .locator('article')
        .filter({ has: page.locator('header strong', { hasText: 'dev' }) })
        .last();
      await asked.getByRole('button', { name: 'eyes, 1' }).waitFor();
      await page.getByRole('cell', { name: 'shows this list' }).waitFor();

      await asked.getByLabel('Add a reaction').click();
      await asked.getByRole('button', { name: 'heart, 0' }).click();
      await asked.getByRole('button', { name: 'heart, 1' }).waitFor();

      await page.getByLabel('Label', { exact: true }).fill('documentation');
      await page.getByRole('button', { name: 'Add', exact: true }).click();
      await page.getByRole('button', { name: 'Remove label documentation' }).waitFor();

      // A push mends it, a click merges it, and what is deployed shows.
      await whole.copy.push(fix.branch, fix.files, fix.message);
      await page.getByRole('heading', { name: 'All 3 stages passed' }).waitFor();
      await merging.getByText('4 checks passed').waitFor();
      // The forms of a page that swaps its parts still belong to the head that is shown.
      await merging.getByRole('button', { name: 'Merge pull request' }).click();
      await page.getByText('merged this').waitFor();
      await page.getByRole('heading', { name: 'Live in production' }).waitFor();
      const deployment = page.getByRole('region', { name: 'Deployments' }).getByRole('link', { name: 'production' });
      await deployment.waitFor();
      const answer = await fetch((await deployment.getAttribute('href')) ?? '');
      expect(await answer.text()).toContain('HELLO');
      expect(complaints).toEqual([]);
    });

    it.each(['light', 'dark'] as const)(
      'reads well for everyone in %s colours, on a phone too',
      async (colorScheme) => {
        const state = await person.storageState();
        const places = [
          ...[
            '',
            '/acme/web',
            '/acme/web/pulls?state=closed',
            '/acme/web/commits/main',
            '/acme/web/blob/main/server.js',
          ],
          ...['/acme/web/pull/1', '/acme/web/pull/1/checks', '/acme/web/pull/1/files', '/acme/web/compare/louder'],
          ...['/acme/nowhere'],
          `/acme/web/commit/${await whole.copy.git('rev-parse', 'main')}`,
        ].map((path) => whole.host.url + path);
        const [{ runId = '' } = {}] = await runs();
        places.push(
          checkAddress,
          `${whole.slipway.url}/runs`,
          `${whole.slipway.url}/runs/${runId}`,
          `${whole.slipway.url}/runs/${runId}/stages/test`,
        );
        const strangers = [whole.host.url, `${whole.slipway.url}/setup`, `${whole.slipway.url}/runs/${runId}`];
        for (const [context, urls] of [
          [await browser.newContext({ storageState: state, colorScheme, viewport: phone, bypassCSP: true }), places],
          [await browser.newContext({ colorScheme, viewport: phone, bypassCSP: true }), strangers],
        ] as const) {
          const look = await context.newPage();
          for (const url of urls) expect(await problemsAt(look, url), url).toEqual([]);
          await context.close();
        }
      },
    );
  },
);

async function runs(): Promise<readonly { readonly runId: string }[]> {
  const answer = await fetch(`${whole.slipway.url}/api/runs`, {
    headers: { authorization: `Bearer ${whole.apiToken}` },
  });
  return z.array(z.object({ runId: z.string() })).parse(await answer.json());
}

/** What a person with other eyes, or another screen, would stumble over. */
async function problemsAt(look: Page, url: string): Promise<readonly string[]> {
  await look.goto(url);
  const wide = z
    .number()
    .parse(await look.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'));
  await look.addScriptTag({ path: axePath });
  const rules = '["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]';
  const found = violations.parse(
    await look.evaluate(`axe.run(document, { runOnly: ${rules} }).then(({ violations }) => violations)`),
  );
  return [
    ...(wide > 0 ? [`scrolls sideways by ${wide} px`] : []),
    ...found.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary = '' }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
    ),
  ];
}
