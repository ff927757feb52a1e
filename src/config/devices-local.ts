import { cited, estimated, type DeviceEntry } from "./figure.ts";

const RENT = "public cloud list prices of 2026, rounded";
const OWNED = "bought, written off over three years, plus power";

/** What stands on a desk or at a site: one memory for everything. */
export const localEntries: Readonly<Record<string, DeviceEntry>> = {
  jetson: {
    status: "shipping",
    flops: estimated(250e12, "Jetson AGX Thor: an eighth of 2,070 TFLOPS sparse FP4"),
    mfu: estimated(0.3, "small devices reach less than H100"),
    memory: [
      {
        tier: "dram",
        bytes: cited(128e9, "Jetson AGX Thor datasheet, LPDDR5X"),
        bytesPerS: cited(273e9, "Jetson AGX Thor datasheet"),
      },
    ],
    watts: cited(130, "Jetson AGX Thor datasheet, upper power mode"),
    usdPerHour: estimated(0.15, OWNED),
  },
  "apple-silicon": {
    status: "shipping",
    flops: estimated(28e12, "M3 Ultra GPU, FP32 rate taken for FP16"),
    mfu: estimated(0.4, "llama.cpp on Metal, order of magnitude"),
    memory: [
      {
        tier: "dram",
        bytes: estimated(144e9, "three quarters of a 192 GB machine's unified memory"),
        bytesPerS: cited(819e9, "Apple, M3 Ultra memory bandwidth"),
      },
    ],
    watts: estimated(200, "whole machine under load"),
    usdPerHour: estimated(0.25, OWNED),
  },
  cpu: {
    status: "shipping",
    flops: estimated(2e12, "16 cores with AVX2 or AVX-512, llama.cpp"),
    mfu: estimated(0.4, "llama.cpp, order of magnitude"),
    memory: [
      {
        tier: "dram",
        bytes: estimated(64e9, "an ordinary server or workstation"),
        bytesPerS: estimated(80e9, "two channels of DDR5"),
      },
    ],
    watts: estimated(150, "whole machine under load"),
    usdPerHour: estimated(0.4, RENT),
  },
};
