(** * Four wrong algorithms, each refuted

    A statement that everything satisfies would say nothing.  Here the statement
    that [Operations] proves of reverse accumulation is put to four algorithms that
    are often written by mistake, over the integers, with numbers for names.  Each
    is shown NOT to satisfy it, by computing it on a small valid graph. *)

Require Import List Arith ZArith Bool Permutation.
From GradCheck Require Import Operations.
Import ListNotations.
Open Scope Z_scope.

Notation vertex := (Operations.vertex nat Z).
Notation env := (nat -> Z).
Notation backward := (Operations.backward nat Nat.eqb Z 0 Z.add Z.mul).
Notation pull := (Operations.pull nat Z 0 Z.add Z.mul).
Notation unit_vector := (Operations.unit_vector nat Nat.eqb Z 0 1).

(** What a right algorithm satisfies: for all valid programs, seeds and variables,
    it gives the sum over paths. *)
Definition correct (algorithm : list vertex -> env -> env) : Prop :=
  forall sources P s v,
    valid sources P -> In v (variables sources P) ->
    algorithm P s v =
    Operations.sum Z 0 Z.add
      (fun u => s u * Operations.sum_over_paths nat Nat.eqb Z 0 1 Z.add Z.mul P v u)
      (variables sources P).

(** The twin that is accepted: reverse accumulation is correct. *)
Theorem reverse_accumulation_is_accepted : correct backward.
Proof.
  intros sources P s v H Hv.
  apply (reverse_accumulation_is_correct nat Nat.eqb Nat.eqb_spec Z 0 1 Z.add Z.mul
           Z.sub Z.opp Zth sources P s v H Hv).
Qed.

(** A wrong answer on one valid program is enough. *)
Lemma refute : forall algorithm sources P s v,
  valid sources P -> In v (variables sources P) ->
  algorithm P s v <> backward P s v -> ~ correct algorithm.
Proof.
  intros algorithm sources P s v H Hv N C. apply N.
  rewrite (C sources P s v H Hv). symmetry. now apply reverse_accumulation_is_accepted.
Qed.

(** One output, with a list of partials by slot. *)
Definition node (inputs : list nat) (output : nat) (partials : list Z) : vertex :=
  Vertex inputs [output] (fun _ k => nth k partials 0).

Ltac nodup := repeat constructor; simpl; intuition discriminate.
Ltac is_valid := simpl; repeat split; try nodup; intros x Hx; simpl in *; tauto.

(** ** 1. Overwriting instead of adding, where a variable fans out *)

Definition scatter_overwriting (o : vertex) (s : env) : env :=
  fold_right (fun kx e => Operations.assign nat Nat.eqb Z e (snd kx) (pull o s (fst kx)))
    s (combine (seq 0 (length (inputs o))) (inputs o)).

Definition overwriting (P : list vertex) (s : env) : env := fold_right scatter_overwriting s P.

(** y = 2 x, z = 3 x, w = y + z: dw/dx is 5. *)
Definition fan_out : list vertex := 
  [node [0%nat] 1 [2]; node [0%nat] 2 [3]; node [1; 2]%nat 3 [1; 1]].

Example overwriting_on_fan_out :
  (backward fan_out (unit_vector 3%nat) 0%nat, overwriting fan_out (unit_vector 3%nat) 0%nat) = (5, 2).
Proof. vm_compute. reflexivity. Qed.

(** Overwriting loses all but one reader of a variable. *)
Theorem overwriting_is_wrong : ~ correct overwriting.
Proof.
  apply (refute _ [0%nat] fan_out (unit_vector 3%nat) 0%nat); [is_valid | simpl; tauto | vm_compute; discriminate].
Qed.

(** ** 2. Visiting the vertices in forward order *)

Definition forwards (P : list vertex) (s : env) : env :=
  fold_left (fun s o => Operations.scatter nat Nat.eqb Z 0 Z.add Z.mul o s) P s.

(** y = 2 x, z = 3 y: dz/dx is 6. *)
Definition chain : list vertex := [node [0%nat] 1 [2]; node [1%nat] 2 [3]].

Example forwards_on_chain :
  (backward chain (unit_vector 2%nat) 0%nat, forwards chain (unit_vector 2%nat) 0%nat) = (6, 0).
Proof. vm_compute. reflexivity. Qed.

(** In forward order, an adjoint is passed on before it has arrived. *)
Theorem forward_order_is_wrong : ~ correct forwards.
Proof.
  apply (refute _ [0%nat] chain (unit_vector 2%nat) 0%nat); [is_valid | simpl; tauto | vm_compute; discriminate].
Qed.

(** ** 3. Inputs as a set: a repeated input counts once *)

Fixpoint scatter_first_slots (done l : list nat) (k : nat) (c : nat -> Z) (e : env) : env :=
  match l with
  | [] => e
  | x :: l' =>
      scatter_first_slots (x :: done) l' (S k) c
        (if existsb (Nat.eqb x) done then e else Operations.add nat Nat.eqb Z Z.add e x (c k))
  end.

Definition as_a_set (P : list vertex) (s : env) : env :=
  fold_right (fun o s => scatter_first_slots [] (inputs o) 0 (pull o s) s) s P.

(** y = x x at x = 7: dy/dx is 14. *)
Definition square : list vertex := [node [0; 0]%nat 1 [7; 7]].

Example as_a_set_on_square :
  (backward square (unit_vector 1%nat) 0%nat, as_a_set square (unit_vector 1%nat) 0%nat) = (14, 7).
Proof. vm_compute. reflexivity. Qed.

(** A set of inputs loses how often each is read. *)
Theorem inputs_as_a_set_is_wrong : ~ correct as_a_set.
Proof.
  apply (refute _ [0%nat] square (unit_vector 1%nat) 0%nat); [is_valid | simpl; tauto | vm_compute; discriminate].
Qed.

(** ** 4. Changing the weights before all adjoints are known

    Here the partials depend on the values, so a vertex is given as a function of
    them.  Training takes one step of gradient descent on some of the sources, the
    weights; all adjoints belong to the OLD values. *)

Definition recipe := env -> vertex.

Definition step_back (values : env) (rate : Z) (weights : list nat) (adjoints : env) : env :=
  fun x => if existsb (Nat.eqb x) weights then values x - rate * adjoints x else values x.

(** First all adjoints, then all weights. *)
Definition train (values : env) (P : list recipe) (s : env) (rate : Z) (weights : list nat) : env :=
  step_back values rate weights (backward (map (fun r => r values) P) s).

(** Slot by slot: a weight moves as soon as something is known of its adjoint, and
    what comes later is linearised at what it has become. *)
Fixpoint slots_early (r : recipe) (rate : Z) (weights l : list nat) (k : nat) (state : env * env)
    : env * env :=
  match l with
  | [] => state
  | x :: l' =>
      let (values, s) := state in
      let c := pull (r values) s k in
      slots_early r rate weights l' (S k)
        (if existsb (Nat.eqb x) weights
         then Operations.add nat Nat.eqb Z Z.add values x (- (rate * c)) else values,
         Operations.add nat Nat.eqb Z Z.add s x c)
  end.

Definition train_early (values : env) (P : list recipe) (s : env) (rate : Z) (weights : list nat) : env :=
  fst (fold_right (fun (r : recipe) state => slots_early r rate weights (inputs (r values)) 0 state)
    (values, s) P).

(** What a right step of training satisfies: every weight moves against the sum
    over paths AT THE OLD VALUES, and nothing else moves. *)
Definition correct_training (step : env -> list recipe -> env -> Z -> list nat -> env) : Prop :=
  forall sources values P s rate weights v,
    let Q := map (fun r : recipe => r values) P in
    valid sources Q -> In v (variables sources Q) ->
    step values P s rate weights v =
    step_back values rate weights
      (fun v => Operations.sum Z 0 Z.add
         (fun u => s u * Operations.sum_over_paths nat Nat.eqb Z 0 1 Z.add Z.mul Q v u)
         (variables sources Q)) v.

(** The twin that is accepted. *)
Theorem training_is_accepted : correct_training train.
Proof.
  intros sources values P s rate weights v Q H Hv. unfold train, step_back.
  rewrite <- (reverse_accumulation_is_accepted sources Q s v H Hv). reflexivity.
Qed.

(** Multiplication, linearised at the values. *)
Definition times (x y z : nat) : recipe := fun values => node [x; y] z [values y; values x].

(** Two layers, y = w1 x and z = w2 y, at w1 = 2, w2 = 3, x = 5: dz/dw1 = w2 x = 15.
    With rate 1, w1 becomes 2 - 15 = -13.  Early, w2 = 3 - 10 = -7 is met instead of 3. *)
Definition layers : list recipe := [times 0 2 3; times 1 3 4].

Definition at_the_point (x : nat) : Z := nth x [2; 3; 5; 10; 30] 0.

Example early_on_layers :
  (train at_the_point layers (unit_vector 4%nat) 1 [0; 1]%nat 0%nat,
   train_early at_the_point layers (unit_vector 4%nat) 1 [0; 1]%nat 0%nat) = (-13, 37).
Proof. vm_compute. reflexivity. Qed.

(** A weight that moves too early is met moved by the adjoints of earlier layers. *)
Theorem early_updates_are_wrong : ~ correct_training train_early.
Proof.
  intro C. specialize (C [0; 1; 2]%nat at_the_point layers (unit_vector 4%nat) 1 [0; 1]%nat 0%nat).
  assert (H : valid [0; 1; 2]%nat (map (fun r : recipe => r at_the_point) layers)) by is_valid.
  specialize (C H ltac:(simpl; tauto)). vm_compute in C. discriminate.
Qed.
