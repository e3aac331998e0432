(** * Reverse accumulation over operations with several inputs and outputs

    The graph is the one of [reference_nets/graph.py].  A vertex is one use of
    an operation: it reads an ordered list of variables, which may repeat one,
    and assigns several.  A program is a list of vertices in an order in which
    every variable is assigned before it is read.  All numbers lie in an
    arbitrary commutative ring, and names in an arbitrary type with a decidable
    equality; nothing else is assumed. *)

Require Import List Arith Lia Bool Permutation Ring Ring_theory.
Import ListNotations.

(** ** Definitions: everything that a reader has to believe in *)

Section Definitions.

Variable V : Type.                                   (* names of variables *)
Variable eqb : V -> V -> bool.
Variable R : Type.                                   (* numbers *)
Variables (rO rI : R) (radd rmul : R -> R -> R).
Infix "+" := radd.
Infix "*" := rmul.
Notation "0" := rO.
Notation "1" := rI.

(** A vertex of the LINEARISED program: [partial j k] is the derivative of
    output port [j] with respect to input slot [k], at the point in question. *)
Record vertex := Vertex {
  inputs : list V;
  outputs : list V;
  partial : nat -> nat -> R
}.

(** One number per variable: tangents, adjoints or seeds. *)
Definition env := V -> R.

(** [env[x] += c] *)
Definition add (e : env) (x : V) (c : R) : env :=
  fun y => if eqb y x then e y + c else e y.

(** [sum_from f k [x; y; ...] = f k x + f (k+1) y + ...] *)
Fixpoint sum_from {A : Type} (f : nat -> A -> R) (k : nat) (l : list A) : R :=
  match l with
  | [] => 0
  | x :: l' => f k x + sum_from f (S k) l'
  end.

Definition sum {A : Type} (f : A -> R) (l : list A) : R := sum_from (fun _ => f) 0%nat l.

(** [for k, x in enumerate(l): env[x] += c k] *)
Fixpoint add_each (e : env) (l : list V) (k : nat) (c : nat -> R) : env :=
  match l with
  | [] => e
  | x :: l' => add_each (add e x (c k)) l' (S k) c
  end.

(** Jacobian times tangents, for output port [j]. *)
Definition push (o : vertex) (t : env) (j : nat) : R :=
  sum_from (fun k x => partial o j k * t x) 0%nat (inputs o).

(** Transposed Jacobian times adjoints, for input slot [k]. *)
Definition pull (o : vertex) (s : env) (k : nat) : R :=
  sum_from (fun j y => partial o j k * s y) 0%nat (outputs o).

(** The linearised program.  [t] holds a perturbation of EVERY variable: those
    of the sources, and a further one added where a variable is assigned, 0 if
    only the sources move. *)
Definition advance (t : env) (o : vertex) : env :=
  add_each t (outputs o) 0%nat (push o t).

Definition forward (P : list vertex) (t : env) : env := fold_left advance P t.

(** Reverse accumulation: the LAST vertex acts first, and every vertex adds to
    the adjoints of its inputs. *)
Definition scatter (o : vertex) (s : env) : env :=
  add_each s (inputs o) 0%nat (pull o s).

Definition backward (P : list vertex) (s : env) : env := fold_right scatter s P.

(** A valid program: inputs are known, and every variable is assigned once. *)
Fixpoint valid (known : list V) (P : list vertex) : Prop :=
  match P with
  | [] => NoDup known
  | o :: P' => incl (inputs o) known /\ valid (outputs o ++ known) P'
  end.

(** All variables, given the sources. *)
Definition variables (sources : list V) (P : list vertex) : list V :=
  sources ++ flat_map outputs P.

(** The pairing of adjoints with tangents. *)
Definition dot (vars : list V) (s t : env) : R := sum (fun x => s x * t x) vars.

(** The perturbation of one variable alone. *)
Definition unit_vector (v : V) : env := fun x => if eqb x v then 1 else 0.

(** Sum over those slots of the vertex [o] that read [v]. *)
Definition at_slots (o : vertex) (v : V) (c : nat -> R) : R :=
  sum_from (fun k x => if eqb x v then c k else 0) 0%nat (inputs o).

(** The gathering form: what all readers of [v] have to say, if the adjoints of
    their outputs are those in [a]. *)
Definition gathered (P : list vertex) (s a : env) (v : V) : R :=
  s v + sum (fun o => at_slots o v (pull o a)) P.

(** Gathering as an algorithm: [for v in l: a[v] = gathered(v)], first for the
    outputs of the last vertex, at the end for the sources. *)
Definition assign (a : env) (v : V) (c : R) : env :=
  fun y => if eqb y v then c else a y.

Definition gather_into (P : list vertex) (s a : env) (l : list V) : env :=
  fold_left (fun a v => assign a v (gathered P s a v)) l a.

Definition gather (sources : list V) (P : list vertex) (s : env) : env :=
  gather_into P s
    (fold_right (fun o a => gather_into P s a (outputs o)) (fun _ => 0) P) sources.

(** A step of a path enters vertex number [q] by slot [k] and leaves by port [j]. *)
Definition step := (nat * nat * nat)%type.

(** [path P v u p]: [p] leads from the variable [v] to the variable [u]. *)
Inductive path (P : list vertex) : V -> V -> list step -> Prop :=
  | path_here : forall v, path P v v []
  | path_on : forall v w u q k j o p,
      nth_error P q = Some o ->
      nth_error (inputs o) k = Some v ->
      nth_error (outputs o) j = Some w ->
      path P w u p ->
      path P v u ((q, k, j) :: p).

(** The product of the partials along a path. *)
Fixpoint weight (P : list vertex) (p : list step) : R :=
  match p with
  | [] => 1
  | (q, k, j) :: p' =>
      match nth_error P q with
      | Some o => partial o j k * weight P p'
      | None => 0
      end
  end.

(** A list of paths, the first vertex having number [q]; [paths_are_all_paths]
    says that it is THE list of all paths. *)
Fixpoint flat_from {A B : Type} (f : nat -> A -> list B) (k : nat) (l : list A) : list B :=
  match l with
  | [] => []
  | x :: l' => f k x ++ flat_from f (S k) l'
  end.

Fixpoint paths (q : nat) (P : list vertex) (v u : V) : list (list step) :=
  match P with
  | [] => if eqb v u then [[]] else []
  | o :: P' =>
      paths (S q) P' v u ++
      flat_from (fun k x =>
        if eqb x v
        then flat_from (fun j w => map (cons (q, k, j)) (paths (S q) P' w u)) 0%nat (outputs o)
        else []) 0%nat (inputs o)
  end.

(** Bauer's formula: the derivative of [u] with respect to [v]. *)
Definition sum_over_paths (P : list vertex) (v u : V) : R :=
  sum (weight P) (paths 0%nat P v u).

End Definitions.

Arguments Vertex {V R}.
Arguments inputs {V R}.
Arguments outputs {V R}.
Arguments partial {V R}.
Arguments valid {V R}.
Arguments variables {V R}.
Arguments path {V R}.

(** ** Theorems *)

Section Theorems.

Variable V : Type.
Variable eqb : V -> V -> bool.
Variable eqb_spec : forall x y, reflect (x = y) (eqb x y).
Variable R : Type.
Variables (rO rI : R) (radd rmul rsub : R -> R -> R) (ropp : R -> R).
Variable R_ring : ring_theory rO rI radd rmul rsub ropp (@eq R).
Add Ring R_ring : R_ring.
Infix "+" := radd.
Infix "*" := rmul.
Notation "0" := rO.
Notation "1" := rI.
Notation vertex := (vertex V R).
Notation env := (env V R).
Notation add := (add V eqb R radd).
Notation add_each := (add_each V eqb R radd).
Notation sum_from := (sum_from R rO radd).
Notation sum := (sum R rO radd).
Notation push := (push V R rO radd rmul).
Notation pull := (pull V R rO radd rmul).
Notation advance := (advance V eqb R rO radd rmul).
Notation forward := (forward V eqb R rO radd rmul).
Notation scatter := (scatter V eqb R rO radd rmul).
Notation backward := (backward V eqb R rO radd rmul).
Notation dot := (dot V R rO radd rmul).
Notation unit_vector := (unit_vector V eqb R rO rI).
Notation at_slots := (at_slots V eqb R rO radd).
Notation gathered := (gathered V eqb R rO radd rmul).
Notation assign := (assign V eqb R).
Notation gather_into := (gather_into V eqb R rO radd rmul).
Notation gather := (gather V eqb R rO radd rmul).
Notation weight := (weight V R rO rI rmul).
Notation paths := (paths V eqb R).
Notation sum_over_paths := (sum_over_paths V eqb R rO rI radd rmul).

Implicit Types (P Q : list vertex) (o : vertex) (s t : env) (known sources vars : list V).

Ltac decide_name x y := destruct (eqb_spec x y); subst.

Lemma eqb_refl : forall x, eqb x x = true.
Proof. intro x. decide_name x x; congruence. Qed.

Lemma eqb_sym : forall x y, eqb x y = eqb y x.
Proof. intros x y. destruct (eqb_spec x y), (eqb_spec y x); congruence. Qed.

(** *** Sums *)

Lemma sum_from_ext : forall A (f g : nat -> A -> R) l k,
  (forall i x, In x l -> f i x = g i x) -> sum_from f k l = sum_from g k l.
Proof.
  induction l as [|x l IH]; intros k H; simpl; [reflexivity|].
  rewrite H by (left; reflexivity). f_equal. apply IH. intros; apply H; right; assumption.
Qed.

Lemma sum_ext : forall A (f g : A -> R) l,
  (forall x, In x l -> f x = g x) -> sum f l = sum g l.
Proof. intros. apply sum_from_ext. intros; auto. Qed.

Lemma distribute : forall a b c : R, a * (b + c) = a * b + a * c.
Proof. intros. ring. Qed.

Lemma sum_from_add : forall A (f g : nat -> A -> R) l k,
  sum_from (fun i x => f i x + g i x) k l = sum_from f k l + sum_from g k l.
Proof. induction l as [|x l IH]; intro k; simpl; [|rewrite IH]; ring. Qed.

Lemma sum_from_mul : forall A (f : nat -> A -> R) c l k,
  sum_from (fun i x => c * f i x) k l = c * sum_from f k l.
Proof. induction l as [|x l IH]; intro k; simpl; [|rewrite IH]; ring. Qed.

Lemma sum_from_zero : forall A l k, sum_from (fun (_ : nat) (_ : A) => 0) k l = 0.
Proof. induction l as [|x l IH]; intro k; simpl; [|rewrite IH]; ring. Qed.

Lemma sum_from_nothing : forall A (f : nat -> A -> R) l k,
  (forall i x, In x l -> f i x = 0) -> sum_from f k l = 0.
Proof.
  intros A f l k H. rewrite (sum_from_ext A f (fun _ _ => 0)) by assumption.
  apply sum_from_zero.
Qed.

Lemma sum_from_swap : forall A B (f : nat -> A -> nat -> B -> R) l m i j,
  sum_from (fun a x => sum_from (fun b y => f a x b y) j m) i l =
  sum_from (fun b y => sum_from (fun a x => f a x b y) i l) j m.
Proof.
  induction l as [|x l IH]; intros m i j; simpl.
  - symmetry. apply sum_from_zero.
  - rewrite IH, <- sum_from_add. reflexivity.
Qed.

Lemma sum_from_const : forall A (f : A -> R) l k,
  sum_from (fun _ => f) k l = sum f l.
Proof.
  unfold Operations.sum. intros A f l. generalize 0%nat as n.
  induction l as [|x l IH]; intros n k; simpl; [reflexivity|]. f_equal. apply IH.
Qed.

Lemma sum_cons : forall A (f : A -> R) x l, sum f (x :: l) = f x + sum f l.
Proof. intros. unfold Operations.sum at 1. simpl. now rewrite sum_from_const. Qed.

Lemma sum_app : forall A (f : A -> R) l m, sum f (l ++ m) = sum f l + sum f m.
Proof.
  induction l as [|x l IH]; intro m; simpl.
  - unfold Operations.sum at 2. simpl. ring.
  - rewrite !sum_cons, IH. ring.
Qed.

Lemma sum_map : forall A B (f : B -> R) (g : A -> B) l,
  sum f (map g l) = sum (fun x => f (g x)) l.
Proof. induction l as [|x l IH]; simpl; [|rewrite !sum_cons, IH]; reflexivity. Qed.

Lemma sum_flat_from : forall A B (f : B -> R) (g : nat -> A -> list B) l k,
  sum f (flat_from g k l) = sum_from (fun i x => sum f (g i x)) k l.
Proof.
  induction l as [|x l IH]; intro k; simpl; [reflexivity|]. now rewrite sum_app, IH.
Qed.

Lemma sum_mul : forall A (f : A -> R) c l, sum (fun x => c * f x) l = c * sum f l.
Proof. intros. apply sum_from_mul with (f := fun _ => f). Qed.

Lemma sum_add : forall A (f g : A -> R) l, sum (fun x => f x + g x) l = sum f l + sum g l.
Proof. intros. apply sum_from_add with (f := fun _ => f) (g := fun _ => g). Qed.

Lemma sum_permutation : forall A (f : A -> R) l m, Permutation l m -> sum f l = sum f m.
Proof.
  induction 1; rewrite ?sum_cons; try congruence; ring.
Qed.

Lemma sum_indicator_absent : forall (f : V -> R) v l,
  ~ In v l -> sum (fun x => if eqb x v then f x else 0) l = 0.
Proof.
  intros f v l H. apply sum_from_nothing.
  intros _ x Hx. decide_name x v; [contradiction | reflexivity].
Qed.

Lemma sum_indicator : forall (f : V -> R) v l,
  NoDup l -> In v l -> sum (fun x => if eqb x v then f x else 0) l = f v.
Proof.
  induction l as [|x l IH]; intros Hd Hi; [destruct Hi|].
  inversion Hd; subst. rewrite sum_cons. decide_name x v.
  - rewrite sum_indicator_absent by assumption. ring.
  - destruct Hi as [<-|Hi]; [congruence|]. rewrite IH by assumption. ring.
Qed.

(** *** Adding to an environment *)

Lemma add_each_at : forall l e k c y,
  add_each e l k c y = e y + sum_from (fun i x => if eqb x y then c i else 0) k l.
Proof.
  induction l as [|x l IH]; intros e k c y; simpl.
  - ring.
  - rewrite IH. unfold Operations.add. rewrite (eqb_sym x y). destruct (eqb y x); ring.
Qed.

Lemma add_each_elsewhere : forall l e k c y, ~ In y l -> add_each e l k c y = e y.
Proof.
  intros l e k c y H. rewrite add_each_at, sum_from_nothing; [ring|].
  intros i x Hx. decide_name x y; [contradiction | reflexivity].
Qed.

Lemma dot_comm : forall vars s t, dot vars s t = dot vars t s.
Proof. intros. apply sum_ext. intros; ring. Qed.

Lemma dot_add_each : forall vars l e t k c,
  NoDup vars -> incl l vars ->
  dot vars (add_each e l k c) t = dot vars e t + sum_from (fun i x => c i * t x) k l.
Proof.
  intros vars l. induction l as [|x l IH]; intros e t k c Hd Hi; simpl.
  - ring.
  - rewrite IH; [|assumption|intros y Hy; apply Hi; right; assumption].
    assert (E : dot vars (add e x (c k)) t = dot vars e t + c k * t x).
    { unfold Operations.dot.
      rewrite <- (sum_indicator (fun y => c k * t y) x vars) by (auto; apply Hi; left; auto).
      rewrite <- sum_add. apply sum_ext. intros y _. unfold Operations.add.
      destruct (eqb y x); ring. }
    rewrite E. ring.
Qed.

(** *** Reverse is the transpose of forward *)

Lemma scatter_is_transposed_advance : forall vars o s t,
  NoDup vars -> incl (inputs o) vars -> incl (outputs o) vars ->
  dot vars (scatter o s) t = dot vars s (advance t o).
Proof.
  intros vars o s t Hd Hi Ho. unfold Operations.scatter, Operations.advance.
  rewrite (dot_comm vars s), !dot_add_each by assumption.
  rewrite (dot_comm vars t). f_equal. unfold Operations.pull, Operations.push.
  transitivity (sum_from (fun k x => sum_from (fun j y => partial o j k * s y * t x) 0%nat (outputs o))
                  0%nat (inputs o)).
  - apply sum_from_ext. intros k x _.
    rewrite (sum_from_ext V (fun j y => partial o j k * s y * t x)
               (fun j y => t x * (partial o j k * s y))) by (intros; ring).
    rewrite sum_from_mul. ring.
  - rewrite sum_from_swap. apply sum_from_ext. intros j y _.
    rewrite (sum_from_ext V (fun k x => partial o j k * s y * t x)
               (fun k x => s y * (partial o j k * t x))) by (intros; ring).
    rewrite sum_from_mul. ring.
Qed.

Definition within (vars : list V) (P : list vertex) : Prop :=
  Forall (fun o => incl (inputs o) vars /\ incl (outputs o) vars) P.

(** THE ADJOINT IDENTITY.  For every program and all seeds [s] and perturbations
    [t]: pairing the adjoints with [t] is pairing [s] with the tangents.  Reverse
    accumulation is the transpose of the linearised program. *)
Theorem adjoint_identity : forall vars P s t,
  NoDup vars -> within vars P ->
  dot vars (backward P s) t = dot vars s (forward P t).
Proof.
  intros vars P s t Hd Hw. revert t. induction Hw as [|o P [Hi Ho] Hw IH]; intro t; simpl.
  - reflexivity.
  - rewrite scatter_is_transposed_advance by assumption. apply IH.
Qed.

(** Entry by entry: the adjoint of [v] is the change of the seeded sum when [v]
    alone is perturbed. *)
Theorem adjoint_is_derivative : forall vars P s v,
  NoDup vars -> within vars P -> In v vars ->
  backward P s v = dot vars s (forward P (unit_vector v)).
Proof.
  intros vars P s v Hd Hw Hv. rewrite <- adjoint_identity by assumption.
  rewrite <- (sum_indicator (backward P s) v vars) by assumption.
  apply sum_ext. intros x _. unfold Operations.unit_vector. destruct (eqb x v); ring.
Qed.

(** *** Reverse accumulation is the sum over paths *)

Lemma weight_app : forall P1 o P2 k j p,
  weight (P1 ++ o :: P2) ((length P1, k, j) :: p) = partial o j k * weight (P1 ++ o :: P2) p.
Proof.
  intros. simpl. rewrite nth_error_app2, Nat.sub_diag by lia. reflexivity.
Qed.

(** Bauer's formula for the last vertices [P2] of a program, by induction on them. *)
Lemma backward_is_sum_over_suffix_paths : forall vars P2 P1 s v,
  NoDup vars -> within vars P2 -> In v vars ->
  backward P2 s v =
  sum (fun u => s u * sum (weight (P1 ++ P2)) (paths (length P1) P2 v u)) vars.
Proof.
  intros vars P2. induction P2 as [|o P2 IH]; intros P1 s v Hd Hw Hv; simpl.
  - transitivity (sum (fun u => if eqb u v then s u else 0) vars).
    + symmetry. apply sum_indicator; assumption.
    + apply sum_ext. intros u _. rewrite (eqb_sym u v). destruct (eqb v u); unfold Operations.sum; simpl; ring.
  - inversion Hw as [|? ? [Hi Ho] Hw']; subst.
    assert (E : P1 ++ o :: P2 = (P1 ++ [o]) ++ P2) by (rewrite <- app_assoc; reflexivity).
    assert (L : length (P1 ++ [o]) = S (length P1)) by (rewrite app_length; simpl; lia).
    unfold Operations.scatter. rewrite add_each_at.
    rewrite (IH (P1 ++ [o]) s v) by assumption. rewrite <- E, L.
    transitivity (sum (fun u => s u * sum (weight (P1 ++ o :: P2)) (paths (S (length P1)) P2 v u)) vars +
      sum_from (fun k x => sum_from (fun j w => sum (fun u =>
        if eqb x v then s u * (partial o j k *
          sum (weight (P1 ++ o :: P2)) (paths (S (length P1)) P2 w u)) else 0) vars)
        0%nat (outputs o)) 0%nat (inputs o)).
    + f_equal. apply sum_from_ext. intros k x _. decide_name x v.
      * unfold Operations.pull. apply sum_from_ext. intros j w Hw2.
        rewrite (IH (P1 ++ [o]) s w) by (auto; apply Ho; assumption). rewrite <- E, L.
        rewrite <- sum_mul. apply sum_ext. intros u _. ring.
      * symmetry. apply sum_from_nothing. intros j w _. exact (sum_from_zero V vars 0%nat).
    + rewrite (sum_from_ext V _ (fun k x => sum (fun u => sum_from (fun j w =>
        if eqb x v then s u * (partial o j k *
          sum (weight (P1 ++ o :: P2)) (paths (S (length P1)) P2 w u)) else 0)
        0%nat (outputs o)) vars)).
      2: { intros k x _. unfold Operations.sum at 1 3. apply sum_from_swap. }
      unfold Operations.sum at 3. rewrite sum_from_swap. rewrite sum_from_const.
      rewrite <- sum_add. apply sum_ext. intros u _.
      rewrite sum_app, sum_flat_from.
      transitivity (s u * sum (weight (P1 ++ o :: P2)) (paths (S (length P1)) P2 v u) +
        s u * sum_from (fun k x => sum (weight (P1 ++ o :: P2)) (if eqb x v
          then flat_from (fun j w => map (cons (length P1, k, j)) (paths (S (length P1)) P2 w u))
                 0%nat (outputs o) else [])) 0%nat (inputs o)); [|symmetry; apply distribute].
      f_equal. rewrite <- sum_from_mul. apply sum_from_ext. intros k x _.
      decide_name x v.
      * rewrite sum_flat_from, <- sum_from_mul. apply sum_from_ext. intros j w _.
        rewrite sum_map. f_equal. rewrite <- sum_mul. apply sum_ext.
        intros p _. symmetry. apply weight_app.
      * rewrite sum_from_nothing by reflexivity. unfold Operations.sum. simpl. ring.
Qed.

(** REVERSE ACCUMULATION IS THE SUM OVER ALL PATHS of the products of the
    partials along them, for every program, variable and seed. *)
Theorem backward_is_sum_over_paths : forall vars P s v,
  NoDup vars -> within vars P -> In v vars ->
  backward P s v = sum (fun u => s u * sum_over_paths P v u) vars.
Proof. intros. apply (backward_is_sum_over_suffix_paths vars P []); assumption. Qed.

(** *** What validity gives *)

Lemma valid_nodup : forall P known, valid known P -> NoDup (variables known P).
Proof.
  unfold variables. induction P as [|o P IH]; intros known H; simpl in *.
  - now rewrite app_nil_r.
  - destruct H as [_ H]. apply IH in H. rewrite <- app_assoc in H.
    eapply Permutation_NoDup; [|exact H].
    rewrite !app_assoc. apply Permutation_app_tail, Permutation_app_comm.
Qed.

Lemma valid_within_known : forall P known vars,
  valid known P -> incl (variables known P) vars -> within vars P.
Proof.
  unfold variables. induction P as [|o P IH]; intros known vars H Hi; simpl in *; [constructor|].
  destruct H as [H1 H2]. constructor.
  - split; intros x Hx; apply Hi; rewrite ?in_app_iff; auto.
  - apply (IH (outputs o ++ known)); [assumption|].
    intros x Hx. apply Hi. rewrite !in_app_iff in *. tauto.
Qed.

Lemma valid_within : forall P known, valid known P -> within (variables known P) P.
Proof. intros. eapply valid_within_known; [eassumption | intros x Hx; exact Hx]. Qed.

(** A vertex never reads what it or a later vertex assigns. *)
Fixpoint ordered (P : list vertex) : Prop :=
  match P with
  | [] => True
  | o :: P' =>
      (forall o' y, In o' (o :: P') -> In y (outputs o') -> ~ In y (inputs o)) /\ ordered P'
  end.

Lemma valid_ordered : forall P known, valid known P -> ordered P.
Proof.
  induction P as [|o P IH]; intros known H; simpl in *; [exact I|].
  destruct H as [H1 H2]. split; [|now apply (IH (outputs o ++ known))].
  intros o' y Ho Hy Hy'. apply H1 in Hy'.
  assert (Hd : NoDup (known ++ flat_map outputs (o :: P)))
    by (apply (valid_nodup (o :: P)); simpl; auto).
  assert (Hy2 : In y (flat_map outputs (o :: P)))
    by (apply in_flat_map; exists o'; auto).
  apply in_split in Hy'. destruct Hy' as [l1 [l2 ->]].
  rewrite <- app_assoc in Hd. apply NoDup_remove_2 in Hd.
  apply Hd. rewrite !in_app_iff. auto.
Qed.

(** *** Gathering equals scattering *)

Lemma pull_ext : forall (o : vertex) a b k,
  (forall y, In y (outputs o) -> a y = b y) -> pull o a k = pull o b k.
Proof. intros o a b k H. apply sum_from_ext. intros j y Hy. now rewrite H. Qed.

Lemma at_slots_ext : forall (o : vertex) v c d,
  (forall k, In v (inputs o) -> c k = d k) -> at_slots o v c = at_slots o v d.
Proof.
  intros o v c d H. apply sum_from_ext. intros k x Hx. decide_name x v; auto.
Qed.

Lemma gathered_cons : forall o P s a v,
  gathered (o :: P) s a v = at_slots o v (pull o a) + gathered P s a v.
Proof. intros. unfold Operations.gathered. rewrite sum_cons. ring. Qed.

(** The scattered adjoints satisfy the gathering equation at every variable. *)
Theorem scatter_satisfies_gather : forall P s v,
  ordered P -> backward P s v = gathered P s (backward P s) v.
Proof.
  intros P s v H. induction P as [|o P IH]; simpl.
  - unfold Operations.gathered, Operations.sum. simpl. ring.
  - destruct H as [Ho H].
    assert (E : forall o', In o' (o :: P) -> forall k,
              pull o' (scatter o (backward P s)) k = pull o' (backward P s) k).
    { intros o' Hi k. apply pull_ext. intros y Hy. apply add_each_elsewhere. eauto. }
    rewrite gathered_cons.
    assert (G : gathered P s (scatter o (backward P s)) v = gathered P s (backward P s) v).
    { unfold Operations.gathered. f_equal. apply sum_ext. intros o' Hi.
      apply at_slots_ext. intros k _. apply E. right; assumption. }
    rewrite G, <- IH by assumption.
    rewrite (at_slots_ext o v _ (pull o (backward P s))) by (intros; apply E; left; reflexivity).
    unfold Operations.scatter at 1. rewrite add_each_at. unfold Operations.at_slots. ring.
Qed.

(** And nothing else does: the equations determine the adjoints. *)
Theorem gather_is_scatter : forall P s (a : env),
  ordered P -> (forall v, a v = gathered P s a v) -> forall v, a v = backward P s v.
Proof.
  induction P as [|o P IH]; intros s a H Ha v; simpl.
  - rewrite Ha. unfold Operations.gathered, Operations.sum. simpl. ring.
  - destruct H as [Ho H].
    set (b := fun y => rsub (a y) (at_slots o y (pull o a))).
    assert (E : forall o', In o' (o :: P) -> forall k, pull o' a k = pull o' b k).
    { intros o' Hi k. apply pull_ext. intros y Hy. unfold b.
      assert (Z : at_slots o y (pull o a) = 0).
      { apply sum_from_nothing. intros i x Hx.
        decide_name x y; [exfalso; eapply Ho; eauto | reflexivity]. }
      rewrite Z. ring. }
    assert (B : forall y, b y = backward P s y).
    { apply IH; [assumption|]. intro y. unfold b at 1. rewrite Ha, gathered_cons.
      assert (G : gathered P s a y = gathered P s b y).
      { unfold Operations.gathered. f_equal. apply sum_ext. intros o' Hi.
        apply at_slots_ext. intros k _. apply E. right; assumption. }
      rewrite G. ring. }
    unfold Operations.scatter. rewrite add_each_at, <- B.
    assert (S1 : at_slots o v (pull o a) =
      sum_from (fun i x => if eqb x v then pull o (backward P s) i else 0) 0%nat (inputs o)).
    { apply at_slots_ext. intros k _. rewrite E by (left; reflexivity).
      apply pull_ext. intros; apply B. }
    rewrite <- S1. unfold b. ring.
Qed.

(** The order of the vertices does not matter, as long as it is a valid one. *)
Theorem order_is_irrelevant : forall P Q s v,
  ordered P -> ordered Q -> Permutation P Q -> backward P s v = backward Q s v.
Proof.
  intros P Q s v HP HQ E. apply gather_is_scatter; [assumption|].
  intro u. rewrite scatter_satisfies_gather at 1 by assumption.
  unfold Operations.gathered. f_equal. apply sum_permutation. assumption.
Qed.

Lemma gather_into_at : forall P s l a (good : V -> Prop),
  ordered P -> (forall y, good y -> a y = backward P s y) ->
  (forall v, In v l -> forall o, In o P -> In v (inputs o) ->
     forall y, In y (outputs o) -> good y) ->
  forall y, good y \/ In y l -> gather_into P s a l y = backward P s y.
Proof.
  induction l as [|v l IH]; intros a good Ho Ha Hr y Hy; simpl.
  - destruct Hy as [Hy|[]]. auto.
  - apply (IH _ (fun y => good y \/ y = v)); auto.
    + intros z Hz. unfold Operations.assign. decide_name z v.
      * rewrite scatter_satisfies_gather by assumption. unfold Operations.gathered.
        f_equal. apply sum_ext. intros o Hi. apply at_slots_ext. intros k Hk.
        apply pull_ext. intros w Hw. apply Ha. eapply Hr; eauto. left; reflexivity.
      * apply Ha. tauto.
    + intros w Hw o Hi Hin z Hz. left. eapply Hr; eauto. right; assumption.
    + destruct Hy as [Hy|[Hy|Hy]]; auto.
Qed.

Lemma ordered_split : forall P1 o P2 o' y,
  ordered (P1 ++ o :: P2) -> In o' (P1 ++ o :: P2) ->
  In y (outputs o) -> In y (inputs o') -> In o' P2.
Proof.
  induction P1 as [|p P1 IH]; intros o P2 o' y H Hi Hy Hy'; simpl in *.
  - destruct H as [H _]. destruct Hi as [<-|Hi]; [|assumption].
    exfalso. apply (H o y); auto.
  - destruct H as [H1 H2]. destruct Hi as [<-|Hi]; [|eapply IH; eauto].
    exfalso. apply (H1 o y); auto. right. apply in_elt.
Qed.

(** GATHERING AS AN ALGORITHM, variable by variable in reverse order, gives the
    scattered adjoints at every source and every output. *)
Theorem gathering_algorithm_is_scatter : forall sources P s v,
  ordered P -> In v (variables sources P) -> gather sources P s v = backward P s v.
Proof.
  intros sources P s v H Hv. unfold variables in Hv. rewrite in_app_iff in Hv.
  unfold Operations.gather.
  apply (gather_into_at P s sources _ (fun y => In y (flat_map outputs P))); auto; [| |tauto].
  2: { intros u _ o Hi _ y Hy. apply in_flat_map. eauto. }
  cut (forall P2 P1, P1 ++ P2 = P -> forall y, In y (flat_map outputs P2) ->
    fold_right (fun o a => gather_into P s a (outputs o)) (fun _ => 0) P2 y = backward P s y).
  { intros C y Hy. apply (C P []); auto. }
  induction P2 as [|o P2 IH]; intros P1 E y Hy; simpl in *; [destruct Hy|].
  apply (gather_into_at P s (outputs o) _ (fun y => In y (flat_map outputs P2))); auto.
  - intros z Hz. apply (IH (P1 ++ [o])); auto. rewrite <- app_assoc. assumption.
  - intros u Hu o' Hi Hin z Hz. apply in_flat_map. exists o'. split; [|assumption].
    rewrite <- E in H, Hi. eapply ordered_split; eauto.
  - rewrite in_app_iff in Hy. tauto.
Qed.

(** *** The list of paths is the list of all paths *)

Lemma in_flat_from : forall A B (f : nat -> A -> list B) l k b,
  In b (flat_from f k l) <-> exists i x, nth_error l i = Some x /\ In b (f (k + i)%nat x).
Proof.
  induction l as [|x l IH]; intros k b; simpl.
  - split; [tauto | intros [[|i] [y [H _]]]; discriminate].
  - rewrite in_app_iff, IH. split.
    + intros [H|[i [y [H1 H2]]]].
      * exists 0%nat, x. rewrite Nat.add_0_r. auto.
      * exists (S i), y. rewrite Nat.add_succ_r. auto.
    + intros [[|i] [y [H1 H2]]]; simpl in H1.
      * injection H1 as <-. rewrite Nat.add_0_r in H2. auto.
      * right. exists i, y. rewrite Nat.add_succ_r in H2. auto.
Qed.

Lemma paths_sound : forall P2 P1 v u p,
  In p (paths (length P1) P2 v u) -> path (P1 ++ P2) v u p.
Proof.
  induction P2 as [|o P2 IH]; intros P1 v u p H; simpl in H.
  - decide_name v u; simpl in H; [|tauto]. destruct H as [<-|[]]. constructor.
  - assert (E : P1 ++ o :: P2 = (P1 ++ [o]) ++ P2) by (rewrite <- app_assoc; reflexivity).
    assert (L : length (P1 ++ [o]) = S (length P1)) by (rewrite app_length; simpl; lia).
    rewrite in_app_iff in H. destruct H as [H|H].
    + rewrite E. apply IH. now rewrite L.
    + apply in_flat_from in H. destruct H as [k [x [Hk H]]].
      decide_name x v; [|destruct H].
      apply in_flat_from in H. destruct H as [j [w [Hj H]]]. simpl in H.
      apply in_map_iff in H. destruct H as [p' [<- H]].
      eapply path_on; eauto.
      * rewrite nth_error_app2, Nat.sub_diag by lia. reflexivity.
      * rewrite E. apply IH. now rewrite L.
Qed.

(** All steps of a path have numbers of at least [n]. *)
Definition from (n : nat) (p : list step) : Prop :=
  Forall (fun e => n <= fst (fst e)) p.

Lemma ordered_later : forall P q q' o o' y,
  ordered P -> nth_error P q = Some o -> nth_error P q' = Some o' ->
  In y (outputs o) -> In y (inputs o') -> q < q'.
Proof.
  induction P as [|p P IH]; intros q q' o o' y H Hq Hq' Hy Hy'.
  - destruct q; discriminate.
  - destruct H as [H1 H2]. destruct q' as [|q']; simpl in Hq'.
    + injection Hq' as ->. exfalso. apply nth_error_In in Hq. exact (H1 o y Hq Hy Hy').
    + destruct q as [|q]; [lia|]. simpl in Hq.
      specialize (IH q q' o o' y H2 Hq Hq' Hy Hy'). lia.
Qed.

Lemma path_increases : forall P v u p, ordered P -> path P v u p ->
  forall q o, nth_error P q = Some o -> In v (outputs o) -> from (S q) p.
Proof.
  intros P v u p Ho H. induction H as [|v w u q k j o p Hq Hk Hj H IH]; intros q' o' Hq' Hv.
  - constructor.
  - assert (q' < q) by (eapply ordered_later; eauto; eapply nth_error_In; eauto).
    constructor; [simpl; lia|].
    apply (Forall_impl _ (P := fun e => S q <= fst (fst e))); [intros; lia|].
    eapply IH; eauto. eapply nth_error_In; eauto.
Qed.

Lemma paths_complete : forall P2 P1 v u p,
  ordered (P1 ++ P2) -> path (P1 ++ P2) v u p -> from (length P1) p ->
  In p (paths (length P1) P2 v u).
Proof.
  induction P2 as [|o P2 IH]; intros P1 v u p Ho H Hf; simpl.
  - destruct H as [v|v w u q k j o p Hq].
    + rewrite eqb_refl. left; reflexivity.
    + rewrite app_nil_r in Hq. inversion Hf; subst. simpl in *.
      assert (q < length P1) by (apply nth_error_Some; congruence). lia.
  - assert (E : P1 ++ o :: P2 = (P1 ++ [o]) ++ P2) by (rewrite <- app_assoc; reflexivity).
    assert (L : length (P1 ++ [o]) = S (length P1)) by (rewrite app_length; simpl; lia).
    rewrite <- L. rewrite in_app_iff.
    assert (Rest : forall v p, path (P1 ++ o :: P2) v u p -> from (S (length P1)) p ->
              In p (paths (length (P1 ++ [o])) P2 v u)).
    { intros. rewrite E in *. apply IH; try assumption. now rewrite L. }
    destruct H as [v|v w u q k j o' p Hq Hk Hj H].
    + left. apply Rest; constructor.
    + inversion Hf as [|? ? Hq0 Hf0]; subst; simpl in Hq0.
      assert (Hp : from (S q) p)
        by (eapply path_increases; eauto; eapply nth_error_In; eauto).
      destruct (Nat.eq_dec q (length P1)) as [->|Hne].
      * rewrite nth_error_app2, Nat.sub_diag in Hq by lia. injection Hq as <-.
        right. apply in_flat_from. exists k, v. split; [assumption|]. simpl.
        rewrite eqb_refl. apply in_flat_from. exists j, w. split; [assumption|].
        apply in_map. auto.
      * left. apply Rest.
        -- eapply path_on; eauto.
        -- constructor; [simpl; lia|]. eapply Forall_impl; [|exact Hp]. simpl. intros; lia.
Qed.

Lemma NoDup_app : forall A (l m : list A),
  NoDup l -> NoDup m -> (forall x, In x l -> ~ In x m) -> NoDup (l ++ m).
Proof.
  induction l as [|x l IH]; intros m Hl Hm H; simpl; [assumption|].
  inversion Hl; subst. constructor.
  - rewrite in_app_iff. intros [?|?]; [contradiction|]. apply (H x); simpl; auto.
  - apply IH; auto. intros; apply H; right; assumption.
Qed.

Lemma NoDup_flat_from : forall A B (f : nat -> A -> list B) l k,
  (forall i x, NoDup (f i x)) ->
  (forall i i' x x' b, In b (f i x) -> In b (f i' x') -> i = i') ->
  NoDup (flat_from f k l).
Proof.
  induction l as [|x l IH]; intros k H1 H2; simpl; [constructor|].
  apply NoDup_app; auto. intros b Hb Hb'. apply in_flat_from in Hb'.
  destruct Hb' as [i [y [_ Hb']]]. specialize (H2 _ _ _ _ _ Hb Hb'). lia.
Qed.

Lemma NoDup_map_cons : forall A (a : A) l, NoDup l -> NoDup (map (cons a) l).
Proof.
  induction 1 as [|x l Hx Hl IH]; simpl; constructor; auto.
  rewrite in_map_iff. intros [y [E Hy]]. injection E as ->. contradiction.
Qed.

Lemma paths_from : forall P q v u p, In p (paths q P v u) -> from q p.
Proof.
  induction P as [|o P IH]; intros q v u p H; simpl in H.
  - destruct (eqb v u); simpl in H; [|tauto]. destruct H as [<-|[]]. constructor.
  - rewrite in_app_iff in H.
    assert (W : forall p, from (S q) p -> from q p)
      by (intros p0 H0; eapply Forall_impl; [|exact H0]; simpl; intros; lia).
    destruct H as [H|H]; [exact (W _ (IH _ _ _ _ H))|].
    apply in_flat_from in H. destruct H as [k [x [_ H]]]. destruct (eqb x v); [|destruct H].
    apply in_flat_from in H. destruct H as [j [w [_ H]]].
    apply in_map_iff in H. destruct H as [p' [<- H]]. constructor; [simpl; lia|]. exact (W _ (IH _ _ _ _ H)).
Qed.

Lemma paths_nodup : forall P q v u, NoDup (paths q P v u).
Proof.
  induction P as [|o P IH]; intros q v u; simpl.
  - destruct (eqb v u); repeat constructor. simpl; tauto.
  - apply NoDup_app; [apply IH | |].
    + apply NoDup_flat_from.
      * intros k x. destruct (eqb x v); [|constructor]. apply NoDup_flat_from.
        -- intros j w. apply NoDup_map_cons, IH.
        -- intros j j' w w' p H H'. apply in_map_iff in H, H'.
           destruct H as [? [<- _]], H' as [? [E _]]. now injection E.
      * intros k k' x x' p H H'. destruct (eqb x v), (eqb x' v); try destruct H; try destruct H'.
        apply in_flat_from in H, H'.
        destruct H as [? [? [_ H]]], H' as [? [? [_ H']]]. apply in_map_iff in H, H'.
        destruct H as [? [<- _]], H' as [? [E _]]. now injection E.
    + intros p H H'. apply paths_from in H. apply in_flat_from in H'.
      destruct H' as [k [x [_ H']]]. destruct (eqb x v); [|destruct H'].
      apply in_flat_from in H'. destruct H' as [j [w [_ H']]].
      apply in_map_iff in H'. destruct H' as [p' [<- _]]. inversion H; simpl in *; lia.
Qed.

(** The list over which [sum_over_paths] sums holds every path of the graph, no
    other, and none twice. *)
Theorem paths_are_all_paths : forall P v u,
  ordered P ->
  NoDup (paths 0%nat P v u) /\ (forall p, In p (paths 0%nat P v u) <-> path P v u p).
Proof.
  intros P v u H. split; [apply paths_nodup|]. intro p. split.
  - apply (paths_sound P []).
  - intro Hp. apply (paths_complete P []); [assumption | assumption |].
    apply Forall_forall. intros; simpl; lia.
Qed.

(** THE THEOREM FOR ALL GRAPHS.  In a valid program, the adjoint that reverse
    accumulation gives to a variable [v] is the sum over all variables [u] of
    the seed of [u] times the sum over ALL paths from [v] to [u] of the product
    of the partials along the path; it is also the response of the linearised
    program to a perturbation of [v]; and gathering gives the same. *)
Theorem reverse_accumulation_is_correct : forall sources P s v,
  valid sources P -> In v (variables sources P) ->
  let vars := variables sources P in
  backward P s v = sum (fun u => s u * sum_over_paths P v u) vars /\
  (forall u p, In p (paths 0%nat P v u) <-> path P v u p) /\
  (forall u, NoDup (paths 0%nat P v u)) /\
  backward P s v = dot vars s (forward P (unit_vector v)) /\
  backward P s v = gather sources P s v.
Proof.
  intros sources P s v H Hv vars.
  pose proof (valid_nodup _ _ H). pose proof (valid_within _ _ H). pose proof (valid_ordered _ _ H).
  repeat split; intros.
  - now apply backward_is_sum_over_paths.
  - now apply paths_are_all_paths.
  - now apply paths_are_all_paths.
  - apply paths_nodup.
  - now apply adjoint_is_derivative.
  - symmetry. now apply gathering_algorithm_is_scatter.
Qed.

End Theorems.
