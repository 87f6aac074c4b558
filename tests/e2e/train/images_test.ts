/**
 * Training on a folder of images, with real processes: one state whatever the workers do, and one line
 * for a folder that cannot be used.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { onGpu } from "../../support/gpu.ts";
import { writeImages } from "../../data/images/fixture.ts";
import { Place, ROOT } from "../support.ts";

const SIZES = { height: 9, width: 8, classes: 5 };

/** Arguments of a run on small images. */
const args = (out: string, ...more: readonly string[]) => [
  `${ROOT}configs/lenet_digits.ts`,
  "--data=set",
  `--data.image_height=${SIZES.height}`,
  `--data.image_width=${SIZES.width}`,
  `--data.image_classes=${SIZES.classes}`,
  "--model.channels=[3]",
  "--model.dense=[8]",
  "--micro_batch_size=4",
  "--eval.every=100",
  "--checkpoint.every=50",
  `--out=${out}`,
  ...more,
];

function placeWithImages(): Place {
  const place = new Place();
  writeImages(`${place.path}/set`, { ...SIZES, train: 60, test: 13 });
  return place;
}

Deno.test("neither workers, a kill, nor a resume changes a bit of a run on images", async (t) => {
  using place = placeWithImages();
  const long = (out: string, workers: number) =>
    args(out, "--device=cpu", `--workers=${workers}`, "--steps=300");
  const { stdout } = await place.succeed(long("one", 1));
  assertMatch(stdout, /set: 60 images to train, 13 to validate/);
  // The bright row says the class.
  assertMatch(stdout, /eval at step 300: .*accuracy 100/);
  const straight = place.stateHash("one");
  for (const workers of [2, 4]) {
    await t.step(`${workers} workers`, async () => {
      await place.succeed(long(`by${workers}`, workers));
      assertEquals(place.stateHash(`by${workers}`), straight);
    });
  }
  await t.step("2 workers, of which one is killed", async () => {
    const running = place.start(long("killed", 2));
    await running.line(/^step {2}60\/300/);
    const worker = place.processes().find((pid) => pid !== running.pid);
    Deno.kill(worker ?? NaN, "SIGKILL");
    const { code, stdout, stderr } = await running.ended;
    assertEquals(code, 0, stderr);
    assertMatch(stdout + stderr, /SIGKILL/);
    assertEquals(place.stateHash("killed"), straight);
  });
  await t.step("stopped by a signal, and resumed with another number of workers", async () => {
    const running = place.start(long("stopped", 2));
    await running.line(/^step 120\/300/);
    running.kill("SIGTERM");
    assertEquals((await running.ended).code, 0);
    await place.succeed(["--resume=stopped", "--workers=1"]);
    assertEquals(place.stateHash("stopped"), straight);
  });
  await t.step("other images are not gone on with", async () => {
    writeImages(`${place.path}/other`, { ...SIZES, train: 61, test: 13 });
    const { code, stderr } = await place.run(["--resume=one", "--steps=301", "--data=other"]);
    assert(code !== 0);
    assertMatch(stderr, /the set of images \(data\.path\) must be the one that was trained on/);
  });
});

Deno.test({
  ...onGpu("one and two workers have one state on WebGPU"),
  fn: async () => {
    using place = placeWithImages();
    for (const workers of [1, 2]) {
      const short = ["--device=webgpu", `--workers=${workers}`, "--steps=6", "--eval.every=0"];
      await place.succeed(args(`by${workers}`, ...short));
    }
    assertEquals(place.stateHash("by1"), place.stateHash("by2"));
  },
});

Deno.test("a folder that cannot be used is refused in one line, with nothing begun", async () => {
  using place = placeWithImages();
  const refused = async (says: string, ...more: readonly string[]) => {
    const { code, stdout, stderr } = await place.run(args("run", ...more));
    assertEquals([code > 0, stdout], [true, ""], stderr);
    const lines = stderr.split("\n").filter((line) => line.startsWith("error: "));
    assertEquals(lines.length, 1, stderr);
    assert(lines[0]?.includes(says), stderr);
  };
  await refused("need images of 9 x 7 pixels", "--data.image_width=7");
  await refused("need labels below 3", "--data.image_classes=3");
  await refused("need a folder of IDX files: there is none", "--data=nothere");
  await refused("need windows that fit what convolution 2 has", "--model.channels=[3,3]");
  Deno.truncateSync(`${place.path}/set/train-images-idx3-ubyte`, 100);
  await refused("need 4336 bytes for sizes [60, 9, 8]: it has 100");
});
