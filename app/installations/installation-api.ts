import { Hono } from 'hono';
import { z } from 'zod';
import type { Pages } from '../pages/open-pages.ts';

const linkBody = z.object({
  url: z.string().max(300).optional(),
  organization: z.string().max(100).optional(),
});

/** What the command line asks about Git hosts and installations. */
export function installationApi(parts: { readonly setupLink: Pages['setupLink'] }): Hono {
  const api = new Hono();
  api.post('/setup-link', async (context) => {
    const body = linkBody.safeParse(await context.req.json().catch(() => undefined));
    if (!body.success)
      return context.json({ error: 'The request is not understood', fix: 'See `slipway help setup`' }, 400);
    return context.json({ link: await parts.setupLink(body.data) });
  });
  return api;
}
