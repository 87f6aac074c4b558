/** A text or a device that cannot be used is refused before anything is made. */
import { onGpu } from "../../support/gpu.ts";
import type { ExitName } from "../../../src/base/user_error.ts";
import { assertRefused } from "../refusals.ts";
import { Place, tinyArgs } from "../support.ts";

const TEXTS: Readonly<Record<string, { path: string; exit: ExitName; says: string[] }>> = {
  "a missing file": { path: "none.txt", exit: "noInput", says: ["none.txt", "there is none"] },
  "an empty file": { path: "empty.txt", exit: "data", says: ["empty.txt", "the file is empty"] },
  "a directory": { path: "tmp", exit: "data", says: ["tmp", "it is a directory"] },
  "bytes that are not UTF-8": {
    path: "latin.txt",
    exit: "data",
    says: ["latin.txt: need UTF-8 text: byte 3 is not"],
  },
  "a text without a window to train on": {
    path: "short.txt",
    exit: "data",
    says: ["windows of 32 tokens", "need 36 tokens", "the text has 30"],
  },
};

Deno.test("a text that cannot be trained on is refused in one line", async (t) => {
  using place = new Place();
  place.write("empty.txt", "");
  place.write("latin.txt", Uint8Array.of(0x63, 0x61, 0x66, 0xff, 0x0a));
  place.write("short.txt", "whale\n".repeat(5));
  for (const [name, { path, exit, says }] of Object.entries(TEXTS)) {
    const args = tinyArgs("run", `--data=${path}`);
    await t.step(name, () => assertRefused(place, { args, exit, says }));
  }
});

/** An environment in which no Vulkan driver can be found; OpenGL's adapter may still be there. */
function withoutDriver(place: Place): Record<string, string> {
  const none = place.of("no_driver.json");
  return { VK_ICD_FILENAMES: none, VK_DRIVER_FILES: none };
}

Deno.test("a machine without an adapter says so once for all workers", async (t) => {
  using place = new Place();
  for (const workers of [1, 4]) {
    await t.step(`${workers} workers, a new folder in a new folder`, () =>
      assertRefused(place, {
        args: tinyArgs("runs/none", "--device=webgpu", `--workers=${workers}`),
        exit: "noDevice",
        says: ["Cannot find a WebGPU adapter", "--device=cpu"],
        env: withoutDriver(place),
      }));
  }
  await t.step("a run that stands is left as it is", async () => {
    await place.succeed(tinyArgs("run", "--steps=2", "--device=reference"));
    await assertRefused(place, {
      args: ["--resume=run", "--device=webgpu", "--steps=4"],
      exit: "noDevice",
      says: ["Cannot find a WebGPU adapter"],
      env: withoutDriver(place),
    });
  });
});

Deno.test(
  onGpu("what does not fit on the adapter is refused with its bytes and its key"),
  async (t) => {
    using place = new Place();
    const cases = {
      "a parameter": {
        args: ["--model.width=1048576", "--micro_batch_size=1", "--data.seq_len=1", "--workers=2"],
        says: [
          "blocks.0.qkv.weight [1048576, 3145728]",
          "takes 13194139533312 bytes",
          "model.width",
        ],
      },
      "an activation": {
        args: ["--micro_batch_size=65536"],
        says: ["[65536, 32, 32]", " bytes, one binding holds ", "; lower "],
      },
    };
    for (const [name, { args, says }] of Object.entries(cases)) {
      await t.step(
        name,
        () =>
          assertRefused(place, {
            args: tinyArgs("run", "--device=webgpu", ...args),
            exit: "tooLarge",
            says,
          }),
      );
    }
  },
);
