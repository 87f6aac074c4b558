/** The config of the exchange of gradients between workers. */
import * as z from "zod";

/** How payloads travel between the workers of one machine; none changes a bit of the result. */
export const EXCHANGE_WAYS = ["sockets", "file", "mmap"] as const;

/** The exchange of gradients between workers. */
export const exchangeSchema = z.strictObject({
  way: z.enum(EXCHANGE_WAYS).default("file")
    .describe(
      "How gradients travel between workers of one machine: through a file in memory; mmap maps " +
        "memory of the workers into each other (Linux; workers may then call the C library); " +
        "sockets copies them through sockets",
    ),
  overlap: z.enum(["auto", "on", "off"]).default("auto")
    .describe(
      "Whether parts of a gradient leave while the rest is still computed: auto does so on a GPU",
    ),
});

/** How payloads travel. */
export type ExchangeWay = typeof EXCHANGE_WAYS[number];
