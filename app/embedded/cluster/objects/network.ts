import { z } from 'zod';
import { envelope, IntOrString } from './meta.ts';

const port = z.number().int().min(1).max(65_535);

export const ServicePort = z.looseObject({
  name: z.string().optional(),
  protocol: z.string().default('TCP'),
  port,
  targetPort: IntOrString.optional(),
  nodePort: port.optional(),
});
export type ServicePort = z.infer<typeof ServicePort>;

export const Service = z.looseObject({
  ...envelope,
  spec: z.looseObject({
    type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']).default('ClusterIP'),
    selector: z.record(z.string(), z.string()).optional(),
    ports: z.array(ServicePort).optional(),
    clusterIP: z.string().optional(),
    clusterIPs: z.array(z.string()).optional(),
    sessionAffinity: z.string().default('None'),
  }),
  status: z.looseObject({}).default({}),
});
export type Service = z.infer<typeof Service>;

const Endpoint = z.looseObject({
  addresses: z.array(z.string()),
  conditions: z.looseObject({ ready: z.boolean().optional() }).optional(),
});

export const EndpointSlice = z.looseObject({
  ...envelope,
  addressType: z.string().default('IPv4'),
  endpoints: z.array(Endpoint).default([]),
  ports: z.array(z.looseObject({ name: z.string().optional(), port: port.optional() })).default([]),
});
export type EndpointSlice = z.infer<typeof EndpointSlice>;

export const Endpoints = z.looseObject({
  ...envelope,
  subsets: z
    .array(
      z.looseObject({
        addresses: z.array(z.looseObject({ ip: z.string() })).optional(),
        ports: z.array(z.looseObject({ port, name: z.string().optional() })).optional(),
      }),
    )
    .optional(),
});
export type Endpoints = z.infer<typeof Endpoints>;
