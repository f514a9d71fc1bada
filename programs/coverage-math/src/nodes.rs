//! Quadrature nodes of the semivalue integrals, written by `generate_nodes.py`; `tests/quadrature.rs` checks them.
//!
//! Gauss–Legendre nodes `u` on [0, 1] under `t = (e^{βu} − 1)/(e^β − 1)`. Each entry is `(t, W)`: `t` in Q32 rounded up,
//! `W` (weight times `dt/du`, times the guard of `semivalue`) in Q64 rounded down.

/// One quadrature node: its position `t` in Q32 (at most 2^32) and its weight in Q64.
pub type Node = (u64, u64);

/// β = 1/2, for at most 16 domains.
pub const SHAPLEY_8: [Node; 8] = [
    (0x03EFE862, 0x0A161E6C_1FE4AA35),
    (0x14941F63, 0x17154D5A_94D04789),
    (0x31B2BA80, 0x22D8B9BD_5D64869A),
    (0x595EE8F6, 0x2BE255E3_550ABE2C),
    (0x87DC55E9, 0x301972F1_9E726EEC),
    (0xB73A0033, 0x2D519AFD_4A2AC603),
    (0xDFC0D25D, 0x2260F62A_109545AB),
    (0xF992A81A, 0x104D803F_9FA94EDF),
];

/// β = 3/2, for at most 64 domains.
pub const SHAPLEY_12: [Node; 12] = [
    (0x01061F45, 0x02A34310_D6AA0EF2),
    (0x057B7658, 0x065641CA_8058956F),
    (0x0DD97B72, 0x0A7D89A2_AF13D4DE),
    (0x1AAC3C49, 0x0F44A0FD_2F52586B),
    (0x2C9A3FD0, 0x14AFD67A_21E2803D),
    (0x442CF9C2, 0x1A7A8C47_1656D603),
    (0x617582FA, 0x1FF35A50_7E67B6A0),
    (0x83946F67, 0x23EB1433_852B8A16),
    (0xA84811B7, 0x24D885C9_9427D81A),
    (0xCBC4D382, 0x214AB70D_0850167A),
    (0xE9228E62, 0x1898808F_B32AEF6A),
    (0xFB796270, 0x0B7FC199_3F27B95C),
];

/// β = 17/4, for at most 1,024 domains.
pub const SHAPLEY_20: [Node; 20] = [
    (0x000DF2FA, 0x002404C0_B6A0663D),
    (0x004B74F4, 0x005854F7_397A78EA),
    (0x00C26FD6, 0x009831A7_142DDB58),
    (0x018288A9, 0x00EC398F_4E699672),
    (0x02A57852, 0x01602799_56D78172),
    (0x0452CF28, 0x02042E27_DD8A60C2),
    (0x06C5255B, 0x02EE628A_1623D9C9),
    (0x0A5088FC, 0x043BADB2_C753DF99),
    (0x0F693829, 0x060F3985_C665A847),
    (0x16A8563F, 0x088EA12B_C26EAEA8),
    (0x20CA426B, 0x0BD89E88_F3B933EC),
    (0x2E9FFA26, 0x0FF43C57_62361F34),
    (0x40EBE0FD, 0x14B8CCEA_F6CE7230),
    (0x5824C7CC, 0x19B3E00D_CFF3F1FB),
    (0x7422B87B, 0x1E197562_E21C5601),
    (0x93C851AB, 0x20CFF365_3FB70DDC),
    (0xB4CC8670, 0x20A67974_CDDF0F2D),
    (0xD3D027E7, 0x1CB3C4F1_DA2835F4),
    (0xECDBF297, 0x14C15F46_177CAA3E),
    (0xFC3C4455, 0x09946BD4_1496B1FA),
];

/// `t = 1/2`: the average over every subset of the other domains.
pub const BANZHAF: [Node; 1] = [(1 << 31, u64::MAX)];

/// `t = 1`: every other domain is there already.
pub const LAST_IN: [Node; 1] = [(1 << 32, u64::MAX)];
