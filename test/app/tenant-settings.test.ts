import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTenantSettings } from '../../app/tenant-settings.ts';
import { EngineError } from '../../engine/ports/errors.ts';

const base = { path: 'settings.yaml', images: { 'node:24': 'mirror/node:24' }, poolSlots: 40 };
const read = (text: string) => readTenantSettings(text, base);

describe('what administrators say of tenants', () => {
  it('is nothing by default, and then bounds what nobody means', () => {
    const settings = readTenantSettings(undefined, base)('github:1');
    expect(settings).toMatchObject({
      images: { 'node:24': 'mirror/node:24' },
      quota: { pods: 80 },
      egress: { allow: [], deny: [], dns: [] },
      ndots: 1,
    });
    expect(Object.keys(settings.pools)).toEqual(['default']);
    expect(read('')('github:1')).toEqual(settings);
  });

  it('is laid over the defaults for one tenant, and leaves the others alone', () => {
    const settingsOf = read(`
defaults:
  quota: { pods: 20, cpu: 40, memory: 80Gi }
  egress: { allow: [10.20.0.0/16] }
  pools:
    heavy: { slots: 4, nodeSelector: { pool: heavy }, tolerations: [{ key: heavy, effect: NoSchedule }] }
tenants:
  github:7:
    images: { golang: registry.example/golang:1.24 }
    quota: { pods: 5 }
    egress: { dns: [169.254.20.10/32], proxy: 'http://proxy.example:3128' }
    pools:
      heavy: { slots: 1 }
      arm: { nodeSelector: { kubernetes.io/arch: arm64 } }
`);
    expect(settingsOf('github:7')).toMatchObject({
      images: { 'node:24': 'mirror/node:24', golang: 'registry.example/golang:1.24' },
      quota: { pods: 5, cpuMillicores: 40_000, memoryBytes: 80 * 2 ** 30 },
      egress: { allow: ['10.20.0.0/16'], dns: ['169.254.20.10/32'], proxy: 'http://proxy.example:3128' },
      pools: {
        default: { slots: Number.POSITIVE_INFINITY },
        heavy: { slots: 1, nodeSelector: { pool: 'heavy' }, tolerations: [{ key: 'heavy', effect: 'NoSchedule' }] },
        arm: { nodeSelector: { 'kubernetes.io/arch': 'arm64' } },
      },
    });
    expect(Object.keys(settingsOf('github:8').pools)).toEqual(['default', 'heavy']);
    expect(settingsOf('github:8').quota.pods).toBe(20);
  });

  it('bounds pools and lanes by themselves, each laid over the defaults', () => {
    const settingsOf = read(`
defaults:
  pools: { heavy: { quota: { pods: 4, cpu: 16 } } }
  lanes: { feature: { pods: 10 } }
tenants:
  github:7:
    pools: { heavy: { quota: { pods: 1 } } }
    lanes: { main: { memory: 8Gi } }
    environments: { egress: { allow: [10.9.0.0/16] } }
`);
    expect(settingsOf('github:7')).toMatchObject({
      pools: { heavy: { quota: { pods: 1, cpuMillicores: 16_000 } } },
      lanes: { feature: { pods: 10 }, main: { memoryBytes: 8 * 2 ** 30 } },
      environments: { egress: { allow: ['10.9.0.0/16'] } },
    });
    expect(settingsOf('github:8').lanes).toEqual({ feature: { pods: 10 } });
  });

  it('knows one way out alone: a list of names, or a proxy, whichever was said for the tenant', () => {
    const settingsOf = read(`
defaults: { egress: { proxy: 'http://proxy.example:3128', allow: [10.1.0.0/16] } }
tenants:
  github:7: { egress: { names: [Registry.Example.com, '*.example.com:8443'] } }
`);
    expect(settingsOf('github:7').egress).toEqual({
      names: ['registry.example.com', '*.example.com:8443'],
      allow: ['10.1.0.0/16'],
      deny: [],
      dns: [],
    });
    expect(settingsOf('github:8').egress.proxy).toBe('http://proxy.example:3128');
    expect(() => read("defaults: { egress: { names: [a.example], proxy: 'http://proxy.example:3128' } }")).toThrow(
      /egress\.names: are kept by a proxy of Slipway itself/,
    );
    expect(() => read('defaults: { egress: { names: ["https://a.example", "*"] } }')).toThrow(/names\.1: is no host/);
  });

  it('names every mistake with its place at once', () => {
    try {
      read(`
defaults:
  quota: { pods: 0, cpu: lots }
  egress: { allow: [10.20.0.0, 300.0.0.0/8], proxy: proxy.example }
  pools: { Heavy: {} }
  sluts: 4
tenants:
  acme: {}
`);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      expect(error.code).toBe('invalid');
      for (const part of [
        'defaults.quota.pods: ',
        'defaults.quota.cpu: "lots" is not understood; write it like 500m or 2',
        'defaults.egress.allow.0: is no network; write it like 10.20.0.0/16',
        'defaults.egress.allow.1: ',
        'defaults.egress.proxy: is no proxy',
        'defaults.pools.Heavy: cannot name a pool',
        'sluts',
        'tenants.acme: is no tenant; write it like github:12345',
      ])
        expect(error.why).toContain(part);
    }
  });

  it('has to be YAML', () => {
    expect(() => read('defaults: [')).toThrow(/settings\.yaml/);
  });

  it('is what the guide shows', () => {
    const guide = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'tenants.md'), 'utf8');
    const examples = [...guide.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1] ?? '');
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(() => read(example)).not.toThrow();
  });
});
