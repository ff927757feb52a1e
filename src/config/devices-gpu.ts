import { cited, estimated, type DeviceEntry } from "./figure.ts";

const YAML = "NVIDIA AIConfigurator system yaml, dense BF16";
const RENT = "public cloud list prices of 2026, rounded";
const BLIS = "inference-sim (BLIS) hardware_config.json, H100 prefill";
const LIKE_H100 = "as H100; not measured for this device";
const HOST_MEMORY = estimated(256e9, "2 TB host memory over 8 devices");

/** HBM and GDDR GPUs. */
export const gpuEntries: Readonly<Record<string, DeviceEntry>> = {
  h100: {
    status: "shipping",
    flops: cited(989e12, YAML),
    mfu: cited(0.45, BLIS),
    memory: [
      { tier: "hbm", bytes: cited(85.9e9, `${YAML}, 80 GiB`), bytesPerS: cited(3.35e12, YAML) },
      { tier: "dram", bytes: HOST_MEMORY, bytesPerS: cited(64e9, `${YAML}, PCIe one way`) },
    ],
    watts: cited(700, "NVIDIA H100 SXM datasheet, TDP"),
    usdPerHour: estimated(2.5, RENT),
  },
  h200: {
    status: "shipping",
    flops: cited(989e12, YAML),
    mfu: estimated(0.45, LIKE_H100),
    memory: [
      { tier: "hbm", bytes: cited(141e9, YAML), bytesPerS: cited(4.8e12, YAML) },
      { tier: "dram", bytes: HOST_MEMORY, bytesPerS: cited(64e9, `${YAML}, PCIe one way`) },
    ],
    watts: cited(700, "NVIDIA H200 SXM datasheet, TDP"),
    usdPerHour: estimated(3.2, RENT),
  },
  b200: {
    status: "shipping",
    flops: cited(2250e12, YAML),
    mfu: estimated(0.45, LIKE_H100),
    memory: [
      { tier: "hbm", bytes: cited(193e9, `${YAML}, 180 GiB`), bytesPerS: cited(7.7e12, YAML) },
      { tier: "dram", bytes: HOST_MEMORY, bytesPerS: cited(128e9, `${YAML}, PCIe one way`) },
    ],
    watts: cited(1000, "NVIDIA B200 datasheet, TDP"),
    usdPerHour: estimated(5, RENT),
  },
  b300: {
    status: "shipping",
    flops: cited(2250e12, YAML),
    mfu: estimated(0.45, LIKE_H100),
    memory: [
      { tier: "hbm", bytes: cited(288e9, YAML), bytesPerS: cited(7.75e12, YAML) },
      { tier: "dram", bytes: HOST_MEMORY, bytesPerS: estimated(128e9, "PCIe as B200") },
    ],
    watts: estimated(1400, "press reports of the launch"),
    usdPerHour: estimated(6, RENT),
  },
  rubin: {
    status: "announced",
    flops: estimated(4500e12, "twice B200; BF16 was not published where we looked"),
    mfu: estimated(0.4, "a little under H100, as new devices are"),
    memory: [
      {
        tier: "hbm",
        bytes: estimated(288e9, "HBM4, press reports of the launch"),
        bytesPerS: cited(22e12, "press reports of the launch"),
      },
      { tier: "dram", bytes: HOST_MEMORY, bytesPerS: estimated(256e9, "PCIe Gen6, one way") },
    ],
    watts: estimated(1800, "press reports of the launch"),
    usdPerHour: estimated(9, "B200 price scaled by compute, rounded down"),
  },
  "rubin-cpx": {
    status: "announced",
    flops: estimated(5e15, "a quarter of about 20 PFLOPS dense NVFP4 (30 PFLOPS sparse announced)"),
    mfu: estimated(0.45, LIKE_H100),
    memory: [
      {
        tier: "gddr",
        bytes: cited(128e9, "NVIDIA announcement, GDDR7"),
        bytesPerS: estimated(2e12, "press reports of the launch, about 2 TB/s"),
      },
      { tier: "dram", bytes: HOST_MEMORY, bytesPerS: estimated(128e9, "PCIe Gen6, derated") },
    ],
    watts: estimated(880, "press reports of the launch"),
    usdPerHour: estimated(2.5, "cheaper than an HBM device of its compute: GDDR7, no NVLink"),
  },
};
