/**
 * One start of a worker's work: modules, device, plans and kernels, first step. Prints a line of
 * JSON with seconds. Its argument is the name of a config of `bench step`.
 */
const begin = performance.now();
const { openWebGpu } = await import("../../src/device/webgpu.ts");
const { Replica } = await import("../../src/engine/replica.ts");
const { corpusOf } = await import("../corpus.ts");
const { stepConfigs } = await import("./step_configs.ts");

/** Seconds since the last call. */
let last = begin;
function lap(): number {
  const now = performance.now();
  const seconds = (now - last) / 1000;
  last = now;
  return seconds;
}

const modules = lap();
const config = stepConfigs().find(({ name }) => name === Deno.args[0]);
if (config === undefined) throw new RangeError(`Cannot start ${Deno.args[0]}: no such config`);
const corpus = await corpusOf(config);
const text = lap();
const device = await openWebGpu({ runtime: Deno.version.deno });
const opened = lap();
const replica = new Replica(device, { config, corpus });
await replica.open();
const loaded = lap();
const step = async (number: number) => {
  replica.accumulate(number, { level: Math.log2(config.micro_batches), index: 0 });
  await replica.inspect();
  replica.update(number);
  await replica.read("param", 0, { offset: 0, length: 1 });
};
await step(0);
const first = lap();
await step(1);
console.log(JSON.stringify({ modules, text, opened, loaded, first, second: lap() }));
Deno.exit(0);
