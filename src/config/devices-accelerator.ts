import { cited, estimated, type DeviceEntry } from "./figure.ts";

const YAML = "AIConfigurator system yaml, dense BF16";
const RENT = "public cloud list prices of 2026 with commitment, rounded";
const HOST_MEMORY = estimated(128e9, "2 TB host memory over 16 devices");
const HOST_LINK = estimated(32e9, "PCIe Gen5, half of its lanes");

/** HBM accelerators of the clouds' own. */
export const acceleratorEntries: Readonly<Record<string, DeviceEntry>> = {
  "tpu-ironwood": {
    status: "shipping",
    flops: cited(2307e12, YAML),
    mfu: estimated(0.25, "measured .10 on v7x TP8 (poor) and .23 on v6e (llm-d blog, 2026-08-17)"),
    memory: [
      { tier: "hbm", bytes: cited(192e9, YAML), bytesPerS: cited(7.37e12, YAML) },
      { tier: "dram", bytes: HOST_MEMORY, bytesPerS: HOST_LINK },
    ],
    watts: estimated(1000, "no figure published; about the class of B200"),
    usdPerHour: estimated(2.7, RENT),
  },
  trainium2: {
    status: "shipping",
    flops: cited(667e12, YAML),
    mfu: estimated(0.4, "a little under H100; not measured"),
    memory: [
      { tier: "hbm", bytes: cited(103e9, `${YAML}, 96 GiB`), bytesPerS: cited(2.9e12, YAML) },
      { tier: "dram", bytes: HOST_MEMORY, bytesPerS: HOST_LINK },
    ],
    watts: estimated(500, "press reports"),
    usdPerHour: estimated(1.4, RENT),
  },
  trainium3: {
    status: "shipping",
    flops: cited(671e12, YAML),
    mfu: estimated(0.4, "as trainium2; not measured"),
    memory: [
      { tier: "hbm", bytes: cited(154.6e9, `${YAML}, 144 GiB`), bytesPerS: cited(4.9e12, YAML) },
      { tier: "dram", bytes: HOST_MEMORY, bytesPerS: HOST_LINK },
    ],
    watts: estimated(1000, "press reports"),
    usdPerHour: estimated(2.2, "trainium2 scaled by memory bandwidth"),
  },
};
