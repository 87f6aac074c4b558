/**
 * Maps config keys of other trainers to keys of Shoal: nanoGPT, llm.c, Hugging Face's
 * TrainingArguments and GPT2Config, PyTorch, Keras, TensorFlow.js.
 */
import { own } from "../base/own.ts";

/** The equivalent key, or advice where no key is equivalent. */
export type Counterpart = { readonly key: string } | { readonly instead: string };

/** Keys of Shoal, and their names in other trainers. */
const KEYS: Readonly<Record<string, string>> = {
  "name": "run_name experiment_name exp_name wandb_run_name",
  "seed": "random_seed data_seed manual_seed rng_seed random_state",
  "steps":
    "max_iters max_steps num_iterations num_steps n_steps iters iterations num_iters total_steps " +
    "train_steps num_train_steps max_train_steps training_steps train_iters",
  "workers":
    "num_workers n_workers world_size nproc nproc_per_node num_gpus n_gpus num_processes n_procs " +
    "data_parallel_size",
  "device.kind": "device_type accelerator use_cuda no_cuda use_cpu cuda use_mps_device",
  "gpus": "gpu gpu_ids device_ids devices cuda_visible_devices",
  "out": "out_dir output_dir outdir save_dir checkpoint_dir log_dir logdir logging_dir save_path " +
    "output output_path default_root_dir run_dir",
  "init":
    "init_from model_name_or_path pretrained pretrained_model pretrained_model_name_or_path " +
    "load load_from checkpoint_path ckpt_path from_pretrained weights",
  "micro_batches":
    "gradient_accumulation_steps grad_accum grad_accum_steps gradient_accumulation accumulation_steps " +
    "accumulate_grad_batches grad_accumulation_steps iter_size update_freq",
  "micro_batch_size": "batch_size batch bs train_batch_size mini_batch_size minibatch_size " +
    "per_device_train_batch_size per_device_batch_size per_gpu_train_batch_size " +
    "train_micro_batch_size_per_gpu device_batch_size batchsize",
  "eval.every": "eval_interval eval_steps eval_every eval_freq eval_period evaluation_interval " +
    "val_loss_every val_interval val_every eval_strategy evaluation_strategy evaluate_every " +
    "val_check_interval validation_freq check_val_every_n_epoch eval_iter",
  "eval.windows": "eval_iters val_max_steps eval_batches max_eval_samples limit_val_batches " +
    "validation_steps val_steps per_device_eval_batch_size eval_batch_size val_batch_size",
  "model.kind": "model_type architecture architectures arch model_name",
  "model.layers":
    "n_layer n_layers num_layers num_hidden_layers nlayers depth num_blocks n_blocks " +
    "num_encoder_layers num_decoder_layers encoder_layers layer",
  "model.width":
    "n_embd n_embed d_model dim hidden_size hidden_dim hidden embed_dim embedding_dim " +
    "emb_dim embd_size embedding_size model_dim dim_model units rnn_units rnn_size lstm_size nhid " +
    "emsize num_hiddens hidden_units state_size n_hidden",
  "model.heads": "n_head n_heads nhead num_heads num_attention_heads attention_heads head nheads",
  "model.kv_heads": "num_key_value_heads n_kv_head n_kv_heads num_kv_heads n_head_kv kv_head " +
    "num_query_groups",
  "model.attention_window": "sliding_window sliding_window_size",
  "model.rotary_theta": "rope_theta rope_base rotary_base rotary_emb_base",
  "model.dropout": "resid_pdrop embd_pdrop attn_pdrop dropout_rate dropout_p drop_rate p_dropout " +
    "hidden_dropout_prob attention_probs_dropout_prob attention_dropout recurrent_dropout drop_prob " +
    "hidden_dropout",
  "model.positions": "position_embedding_type pos_emb positional_encoding position_embeddings " +
    "pos_encoding",
  "model.tie_embeddings": "tie_word_embeddings weight_tying tie_weights tied_embeddings " +
    "share_embeddings weight_tie tie_word_embedding",
  "model.cell": "rnn_type cell_type rnn_cell",
  "data.path":
    "dataset dataset_name dataset_path data_dir data_path input_bin train_bin train_data " +
    "train_file input_file training_file train_path text_file corpus data_file data_root input",
  "data.tokenizer":
    "tokenizer_name tokenizer_path encoding tokenizer_type vocab_file tokenizer_file",
  "data.seq_len":
    "block_size n_ctx n_positions ctx_len context_length context_size context_window " +
    "max_seq_len max_seq_length seq_length sequence_length maxlen max_len " +
    "max_position_embeddings window_size sample_len ctx_size n_context timesteps time_steps",
  "data.validation": "validation_split val_split val_fraction val_ratio test_size " +
    "validation_split_percentage val_size eval_split",
  "data.bptt": "bptt_len tbptt tbptt_steps truncated_bptt_steps stateful num_unroll_steps",
  "optim.kind": "optimizer optimizer_name optimizer_type optim_type",
  "optim.lr": "learning_rate lr_max max_lr base_lr peak_lr initial_lr learningrate init_lr alpha",
  "optim.beta1": "adam_beta1 beta_1 adam_b1 b1",
  "optim.beta2": "adam_beta2 beta_2 adam_b2 b2",
  "optim.momentum": "sgd_momentum muon_momentum mu",
  "optim.nesterov": "use_nesterov nesterov_momentum",
  "optim.adamw_lr": "adam_lr scalar_lr embedding_lr unembedding_lr",
  "optim.groups": "param_groups parameter_groups optim_groups freeze freeze_layers frozen " +
    "frozen_layers frozen_params trainable_layers no_decay no_decay_params layerwise_lr lr_mult",
  "optim.eps": "epsilon adam_epsilon adam_eps",
  "optim.weight_decay": "wd l2 decay_weight weightdecay",
  "optim.clip": "grad_clip max_grad_norm clip_grad gradient_clip gradient_clip_val clipnorm " +
    "clip_norm clip_grad_norm grad_norm_clip gradient_clipping global_clipnorm max_norm",
  "model.label_smoothing": "label_smoothing_factor label_smooth smoothing",
  "optim.schedule":
    "lr_scheduler_type lr_scheduler scheduler lr_schedule decay_lr lr_decay_style " +
    "lr_decay lr_policy schedule_type scheduler_type",
  "optim.warmup_steps": "warmup_iters num_warmup_steps n_warmup_steps lr_warmup_steps " +
    "warmup_iterations lr_warmup_iters warm_up",
  "optim.decay_steps": "lr_decay_iters lr_decay_steps t_max decay_iters cosine_steps",
  "optim.decay_share": "decay_fraction cooldown_frac cooldown_fraction warmdown_ratio",
  "optim.min_lr": "lr_min min_learning_rate final_lr eta_min end_lr learning_rate_decay_frac " +
    "final_learning_rate_frac lr_end min_lr_ratio",
  "checkpoint.every": "save_steps save_every save_interval checkpoint_every checkpoint_interval " +
    "save_strategy always_save_checkpoint save_freq ckpt_interval checkpointing_steps",
  "checkpoint.keep":
    "save_total_limit keep_checkpoints max_to_keep keep_last_n checkpoints_to_keep",
  "checkpoint.keep_best": "load_best_model_at_end save_best_only save_best",
  "report.progress_every": "log_interval logging_steps log_every log_freq print_every verbose " +
    "log_every_n_steps print_freq logging_interval log_steps",
  "report.sample_every": "sample_interval generate_every gen_every",
  "report.sample_length": "gen_length genmax",
};

/** Advice, and the names of other trainers without an equivalent key that it answers. */
const INSTEAD: Readonly<Record<string, string>> = {
  "set steps: an epoch has tokens / (micro_batches x micro_batch_size x data.seq_len) of them":
    "epochs epoch num_epochs n_epochs num_train_epochs max_epochs nb_epoch steps_per_epoch",
  "leave it out: everything computes in f32":
    "dtype precision fp16 bf16 tf32 float16 bfloat16 amp mixed_precision torch_dtype half use_amp " +
    "fp16_full_eval bf16_full_eval fp16_opt_level autocast tensorcores allow_tf32 param_dtype",
  "leave it out: kernels are always compiled":
    "compile torch_compile use_compile jit jit_mode_eval torch_compile_backend torch_compile_mode",
  "leave it out: the tokenizer decides it (data.tokenizer)":
    "vocab_size n_vocab vocabulary vocab num_tokens vocab_len ntoken input_size output_size",
  "leave it out: linear layers and norms of a transformer have biases":
    "bias use_bias add_bias qkv_bias",
  "set model.norm_eps, which kind llama has": "rms_norm_eps rms_eps rmsnorm_eps",
  "leave it out, or set model.mlp_width, which kind llama has: a gpt has 4 x model.width features":
    "n_inner intermediate_size dim_feedforward ffn_dim d_ff ff_dim mlp_ratio d_inner hidden_mult",
  "leave it out: a transformer uses GELU and norms before its blocks, as GPT-2 does":
    "activation_function activation_fn hidden_act layer_norm_epsilon layer_norm_eps norm_first pre_norm " +
    "use_rmsnorm norm initializer_range",
  "leave it out: workers talk over sockets of this machine":
    "backend ddp ddp_backend local_rank distributed master_addr master_port fsdp deepspeed " +
    "zero_stage ddp_find_unused_parameters strategy node_rank nnodes rank",
  "leave it out: a large loss is computed in parts by itself, see deno task plan for the memory":
    "gradient_checkpointing recompute activation_checkpointing checkpoint_activations remat",
  "set micro_batches and micro_batch_size: a step has micro_batches x micro_batch_size x data.seq_len tokens":
    "total_batch_size global_batch_size effective_batch_size total_batch_size_tokens tokens_per_step",
  "set optim.beta1 and optim.beta2": "betas adam_betas",
  "set optim.warmup_steps to a number of steps":
    "warmup_ratio warmup_fraction warmup_epochs warmup_frac",
  "set optim.clip: the global norm is clipped, not single values": "clipvalue clip_value",
  "begin with a model by --init=DIR, or go on with a run by --resume=RUN":
    "restore load_checkpoint resume resume_from resume_from_checkpoint resume_training",
  "leave it out: steps end a run, and checkpoint.keep_best keeps the best state":
    "patience early_stopping early_stopping_patience metric_for_best_model greater_is_better " +
    "reduce_lr_on_plateau",
  "leave it out: every run of one config gives the same bits":
    "deterministic cudnn_deterministic full_determinism benchmark cudnn_benchmark",
  "leave it out: windows are read in an order that the seed decides":
    "shuffle shuffle_buffer_size buffer_size drop_last dataloader_drop_last pin_memory " +
    "dataloader_num_workers dataloader_pin_memory prefetch_factor group_by_length",
  "run deno task eval RUN to evaluate a model":
    "eval_only do_eval do_train do_predict test_only evaluate_only inference_only",
  "run deno task generate RUN --prompt=TEXT to continue a text":
    "temperature top_k top_p max_new_tokens max_tokens num_samples prompt start max_length " +
    "num_return_sequences repetition_penalty do_sample num_beams",
  "keep a part of the text back with data.validation":
    "validation_file val_data input_val_bin val_bin eval_dataset validation_data eval_file val_file " +
    "val_path eval_data test_file",
  "make the text's documents with deno task prepare, see its --help":
    "text_column text_column_name column field remove_unused_columns preprocessing_num_workers",
  "leave it out: metrics.jsonl in the run's folder has a line for every step":
    "report_to logger logging tensorboard wandb tracker use_wandb log_level log_to callbacks metrics",
  "leave it out: a model is exported with deno task export": "push_to_hub hub_model_id hub_token",
  "leave it out: a loss is the mean cross-entropy over tokens": "loss criterion loss_fn",
  "choose another --out: a folder that holds a run is never overwritten":
    "overwrite_output_dir overwrite force",
};

/** Prefixes of settings that share one answer, and a name in the tables that has this answer. */
const PREFIXES: Readonly<Record<string, string>> = {
  wandb_: "wandb",
  tensorboard_: "tensorboard",
  hub_: "hub_model_id",
  fsdp_: "fsdp",
  deepspeed_: "deepspeed",
  ddp_: "ddp",
  fp16_: "fp16",
  bf16_: "bf16",
  torch_compile_: "compile",
};

/** Advice on the `device.kind` key, and the device names of other trainers that it answers. */
const DEVICES: Readonly<Record<string, string>> = {
  "webgpu takes the GPU": "cuda gpu mps rocm hip xpu vulkan metal dx12 nvidia amd tpu",
  "webgpu takes a software driver where there is no GPU": "software llvmpipe lavapipe swiftshader",
  "cpu computes in WebAssembly": "wasm webassembly simd",
};

/** Section names of other trainers, and the equivalent sections. */
const SECTIONS: Readonly<Record<string, string>> = {
  optimizer: "optim",
  optimiser: "optim",
  optimization: "optim",
  evaluation: "eval",
  validation: "eval",
  network: "model",
  model_config: "model",
  model_args: "model",
  net: "model",
  dataset: "data",
  dataloader: "data",
  checkpoints: "checkpoint",
  checkpointing: "checkpoint",
  saving: "checkpoint",
  logging: "report",
  log: "report",
};

const COUNTERPARTS = new Map<string, Counterpart>([
  ...Object.entries(KEYS).flatMap(([key, names]) => entriesOf(names, { key })),
  ...Object.entries(INSTEAD).flatMap(([instead, names]) => entriesOf(names, { instead })),
]);

/** The counterpart of another trainer's dotted key, by its last part; undefined if unknown. */
export function fromElsewhere(path: string): Counterpart | undefined {
  const name = snakeCase(path.slice(path.lastIndexOf(".") + 1));
  const [, prefix = ""] = Object.entries(PREFIXES).find(([start]) => name.startsWith(start)) ?? [];
  return COUNTERPARTS.get(name) ?? COUNTERPARTS.get(prefix);
}

/** The section equivalent to another trainer's; undefined for unknown names. */
export function sectionElsewhere(path: string): string | undefined {
  return own(SECTIONS, snakeCase(path));
}

/**
 * The key equivalent to another trainer's flag with one dash; undefined for unknown flags and for
 * single letters, whose meaning differs between trainers.
 */
export function dashElsewhere(name: string): string | undefined {
  const other = name.length > 1 ? fromElsewhere(name) : undefined;
  return other !== undefined && "key" in other ? other.key : undefined;
}

/** Advice for a device name of another trainer, as `cuda:0`; undefined for unknown names. */
export function deviceElsewhere(name: string): string | undefined {
  const plain = name.toLowerCase().replace(/:\d+$/, "");
  return Object.entries(DEVICES).find(([, names]) => names.split(" ").includes(plain))?.[0];
}

/** All names of other trainers in the tables, and all keys and sections that they map to. */
export function elsewhereTables(): { readonly names: string[]; readonly keys: string[] } {
  const names = [...Object.values(KEYS), ...Object.values(INSTEAD)].flatMap((text) =>
    text.split(" ")
  );
  return {
    names,
    keys: [...Object.keys(KEYS), ...Object.values(SECTIONS)],
  };
}

function entriesOf(names: string, counterpart: Counterpart): [string, Counterpart][] {
  return names.split(" ").map((name) => [name, counterpart]);
}

/** `batchSize` and `Batch-Size` as `batch_size`. */
function snakeCase(name: string): string {
  return name.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").replaceAll("-", "_").toLowerCase();
}
