// One thread per element. `mean`: 1 for a share at every step, else 0 for the last step.
override T: u32;
override D: u32;
override mean: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&y)) { return; }
  let value = x[i / (T * D) * D + i % D];
  let last = i / D % T == T - 1u;
  y[i] = select(select(0.0f, value, last), value / f32(T), mean == 1u);
}
