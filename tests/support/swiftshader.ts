/** A second software driver beside lavapipe, where Debian's chromium has brought one along. */

const LAVAPIPE = "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json";
const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Whether both drivers are installed. */
export const hasTwoDrivers = isThere(LAVAPIPE) && isThere(SWIFTSHADER);

/** Variables that show lavapipe and no other driver. */
export const ONE_DRIVER: Readonly<Record<string, string>> = { VK_DRIVER_FILES: LAVAPIPE };

/** Variables that show these two drivers and no other. */
export const TWO_DRIVERS: Readonly<Record<string, string>> = {
  VK_DRIVER_FILES: `${LAVAPIPE}:${SWIFTSHADER}`,
};

/** The name of a test, with the reason where it cannot run. */
export function withTwoDrivers(name: string): { name: string; ignore: boolean } {
  return {
    name: hasTwoDrivers ? name : `${name} (needs lavapipe, and SwiftShader of Debian's chromium)`,
    ignore: !hasTwoDrivers,
  };
}

/** Sets variables of this process until disposed. */
export function environment(values: Readonly<Record<string, string>>): Disposable {
  const before = Object.keys(values).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(values)) Deno.env.set(name, value);
  return {
    [Symbol.dispose]() {
      for (const [name, value] of before) {
        if (value === undefined) Deno.env.delete(name);
        else Deno.env.set(name, value);
      }
    },
  };
}
