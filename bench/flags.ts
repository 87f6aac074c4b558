/** Prints the options of Deno with which a process computes on the CPU device, for `deno task bench`. */
import { say } from "../src/base/text/say.ts";
import { cpuMode } from "../src/device/v8.ts";

const { flags } = cpuMode(Deno.version.deno);
if (flags !== undefined) say(`--v8-flags=${flags}`);
