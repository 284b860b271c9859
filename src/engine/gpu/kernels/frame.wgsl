// What every kernel is told. `Dims` is fixed for a dispatch of a model; `Frame` changes with every submission.

struct Dims {
    rows: u32,         // rows of the matrix
    blocks: u32,       // blocks of 32 columns in a row of it
    layer: u32,
    tiles: u32,        // partial sums of squares a token
    hidden: u32,       // width of the residual stream
    hidden_stride: u32, // the same, rounded up to whole blocks
    neurons: u32,
    neuron_stride: u32,
    heads: u32,
    kv_heads: u32,
    head_dim: u32,
    layers: u32,
    vocabulary: u32,
    capacity: u32,     // tokens a batch may hold
    eps: f32,          // RMSNorm's epsilon
    input: u32,        // where this kernel's input begins, in blocks of 32
    width: u32,        // width of the queries: heads x head_dim
    width_stride: u32, // the same, rounded up to whole blocks
    window: u32,       // positions that this layer sees; 0 for all
    turns: u32,        // where in a token's cosines and sines this layer's begin
    extras: u32,       // where in `scales` lists of a number for each row follow
    page: u32,         // words of a page of the cache
    embedding_scale: f32,
    unused: u32,
}

struct Frame {
    tokens: u32,       // tokens of this batch
    wanted: u32,       // of these, how many get logits
    wanted_at: u32,    // where in `batch` their list begins: (token of the batch, lane's slot)
    watched: u32,      // neurons watched
    capture: u32,      // 1 where activity is wanted
    report_at: u32,    // where in the report activity begins
    ticket: u32,       // number of this submission, handed back in the report
    edit_stride: u32,  // words of one slot's list of edits
    edits: u32,        // most edits of a slot
    report_stride: u32, // words of a token's activity in the report
    top: u32,          // neurons of largest contribution wanted at each token
}

// A token's record in `batch`, PLACE words: slot, position, token id (or CHOSEN), where its lane's page list begins,
// where its row of cosines and sines begins.
const PLACE: u32 = 8u;
const CHOSEN: u32 = 0xffffffffu;
const PAGE: u32 = 64u; // positions in a page of the cache
