import assert from 'node:assert/strict';
import { test } from 'node:test';
import { page } from '../src/page.js';

test('escapes what it shows', () => {
  assert.match(page('<script>'), /<h1>&lt;script&gt;<\/h1>/);
});
