// The matrix product that four kernels share: out[t][r] = sum_c w[r][c] * x[t][c] for a tile of TILE = ROWS * PER rows and
// a group of T tokens (T = 1: matrix-vector, for decoding; more: matrix-matrix, for prompts and for lanes).
//
// A workgroup is ROWS x SPLITS threads. A thread owns PER rows, every ROWS-th of the tile, and the blocks `split`,
// `split + SPLITS`, ... of each. Every sum is the same chain of operations whatever T is and whatever the other tokens
// are: weight after weight, block after block, then the splits in order. So a token's numbers depend neither on its
// neighbours nor on how a prompt was cut. `fma` is written out so that no compiler chooses for itself where to fuse.

const TILE: u32 = ROWS * PER;
const THREADS: u32 = ROWS * SPLITS;

// Sums by split, then by token, then by row.
var<workgroup> sums: array<f32, SPLITS * T * TILE>;

//% if SHARED
alias Input = f32;
const INPUTS: u32 = 32u; // elements of `x` a block
// Set by the entry point: this thread's place in its subgroup.
var<private> member: u32;
//% else
alias Input = vec4<f32>;
const INPUTS: u32 = 8u;
//% end

// Four more products, one after the other.
fn chain(w: vec4<f32>, v: vec4<f32>, sum: f32) -> f32 {
    return fma(w.w, v.w, fma(w.z, v.z, fma(w.y, v.y, fma(w.x, v.x, sum))));
}

// `at`: where each token's vector begins in `x`, in elements of it.
fn product(tile: u32, local: u32, at: array<u32, T>) {
    let lane = local % ROWS;
//% if SPLIT
    let split = local / ROWS;
//% else
    let split = 0u;
//% end
//% for p in PER
    // Rows past the end repeat the last one and are dropped later.
    let row$p = min(tile * TILE + $pu * ROWS + lane, dims.rows - 1u);
//% end
//% for t in T
    let at$t = at[$t];
//% for p in PER
    var acc$t_$p = 0.0;
//% end
//% end
    for (var b = split; b < dims.blocks; b += SPLITS) {
//% for p in PER
        let w$p = block(b, row$p);
//% end
//% for t in T
//% if SHARED
        // Each thread of a subgroup loads its share of the vector, and hands it round.
//% for j in LOADS
        let y$t_$j = x[at$t + b * 32u + $ju * SHARED + member];
//% for q in QUARTER
        let x$t_$j_$q = vec4<f32>(
            subgroupBroadcast(y$t_$j, $qu * 4u), subgroupBroadcast(y$t_$j, $qu * 4u + 1u),
            subgroupBroadcast(y$t_$j, $qu * 4u + 2u), subgroupBroadcast(y$t_$j, $qu * 4u + 3u),
        );
//% for p in PER
        acc$t_$p = chain(w$p[$j * QUARTER + $q], x$t_$j_$q, acc$t_$p);
//% end
//% end
//% end
//% else
//% for i in 8
        let x$t_$i = x[at$t + b * 8u + $iu];
//% for p in PER
        acc$t_$p = chain(w$p[$i], x$t_$i, acc$t_$p);
//% end
//% end
//% end
//% end
    }
//% for t in T
//% for p in PER
    sums[(split * T + $tu) * TILE + $pu * ROWS + lane] = acc$t_$p;
//% end
//% end
}

// The finished sum of a row of the tile; after a barrier.
fn total(t: u32, r: u32) -> f32 {
    var sum = sums[t * TILE + r];
    for (var s = 1u; s < SPLITS; s++) {
        sum += sums[(s * T + t) * TILE + r];
    }
    return sum;
}
