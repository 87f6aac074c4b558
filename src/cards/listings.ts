/**
 * Parses the lists of cards that nvidia-smi and Mesa print. Other lines, such as driver warnings,
 * are skipped.
 */
import { type CardKind, type ListedCard, pciAddress } from "./card.ts";

/** Arguments of nvidia-smi for the format that is parsed here. */
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

/** Mesa's names of device types. */
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
    // If any card has an address, the layer prints a zero address for software drivers.
    const isReal = address !== undefined && type !== "software";
    return [{ id, name, kind: type, ...isReal && { address } }];
  });
}

/** Whether the layer is installed: it prints this line before its list. */
export function hasMesaList(text: string): boolean {
  return /^selectable devices:$/m.test(text);
}

/**
 * PCI address that Mesa's layer has selected by `DRI_PRIME=pci-...`, according to its trace, or
 * undefined. Layers before Mesa 23.3 have no trace and select any card but the named one. Source:
 * the same folder, device_select_find_dri_prime_tag_default.
 */
export function parsePinned(text: string): string | undefined {
  const [, index] = /find_dri_prime_tag_default selected (\d+)$/m.exec(text) ?? [];
  return index === undefined ? undefined : parseMesaList(text)[Number(index)]?.address;
}
