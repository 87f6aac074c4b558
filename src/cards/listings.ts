/**
 * Reads what programs and drivers print about cards. Lines that are none of theirs are passed over:
 * drivers print warnings among them. Starts nothing.
 */
import { type CardKind, type ListedCard, pciAddress } from "./card.ts";

/** Arguments with which nvidia-smi prints what is read here. */
export const NVIDIA_SMI_ARGS: readonly string[] = [
  "--query-gpu=index,pci.bus_id,name,uuid,memory.total,driver_version",
  "--format=csv,noheader,nounits",
];

/** Cards in nvidia-smi's list: `0, 00000000:18:00.0, NVIDIA H200, GPU-4f..., 143771, 570.86.15`. */
export function parseNvidiaSmi(text: string): ListedCard[] {
  return text.split("\n").flatMap((line): ListedCard[] => {
    const [index, bus = "", ...rest] = line.split(", ").map((word) => word.trim());
    const driver = rest.pop();
    const memory = Number(rest.pop());
    const uuid = rest.pop();
    const address = pciAddress(bus);
    const name = rest.join(", ");
    if (!/^\d+$/.test(index ?? "") || address === undefined || name === "" || !uuid) return [];
    return [{
      name,
      kind: "discrete",
      address,
      uuid,
      ...memory > 0 && { memory },
      ...driver !== undefined && { driver },
    }];
  });
}

/** Words of Mesa's layer for a type of device. */
const MESA_KINDS: Readonly<Record<string, CardKind>> = {
  "discrete GPU": "discrete",
  "integrated GPU": "integrated",
  "virtual GPU": "virtual",
  "CPU": "software",
  "other": "other",
};

/**
 * Devices in the list that Mesa's device-select layer prints, in its order:
 * `  GPU 0: 10de:2335 "NVIDIA H200" discrete GPU 0000:18:00.0`. Source: Mesa,
 * src/vulkan/device-select-layer/device_select_layer.c, print_gpu.
 */
export function parseMesaList(text: string): ListedCard[] {
  return text.split("\n").flatMap((line): ListedCard[] => {
    const [, id, name, kind, bus = ""] =
      /^ *GPU \d+: ([\da-f]+:[\da-f]+) "(.*)" ([A-Za-z]+(?: GPU)?)(?: (\S+))?$/.exec(line) ?? [];
    if (id === undefined || name === undefined || kind === undefined) return [];
    const type = MESA_KINDS[kind] ?? "other";
    const address = pciAddress(bus);
    // Where any card has an address the layer prints one of zeros for software drivers.
    const isReal = address !== undefined && type !== "software";
    return [{ id, name, kind: type, ...isReal && { address } }];
  });
}

/** Whether the layer is there at all: it prints this line before its list. */
export function hasMesaList(text: string): boolean {
  return /^selectable devices:$/m.test(text);
}

/**
 * PCI address that Mesa's layer, asked to trace, says it has chosen by `DRI_PRIME=pci-...`; undefined
 * where it does not say so. Layers before Mesa 23.3 know no trace, and take any card but the one
 * that was named. Source: the same folder, device_select_find_dri_prime_tag_default.
 */
export function parsePinned(text: string): string | undefined {
  const [, index] = /find_dri_prime_tag_default selected (\d+)$/m.exec(text) ?? [];
  return index === undefined ? undefined : parseMesaList(text)[Number(index)]?.address;
}
