import { ApiException } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { retryAfterMsOf } from '../../../engine/kubernetes/client.ts';

const refusal = (headers: Record<string, string>) => new ApiException(429, 'Too many requests', '', headers);

describe('how long the API server asks to be left alone', () => {
  it('is what it says in seconds, however the header is written', () => {
    expect(retryAfterMsOf(refusal({ 'retry-after': '7' }))).toBe(7_000);
    expect(retryAfterMsOf(refusal({ 'Retry-After': '1' }))).toBe(1_000);
  });

  it('is unknown where it says nothing, or no number, or did not answer', () => {
    expect(retryAfterMsOf(refusal({}))).toBeUndefined();
    expect(retryAfterMsOf(refusal({ 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }))).toBeUndefined();
    expect(retryAfterMsOf(new Error('ECONNRESET'))).toBeUndefined();
  });
});
