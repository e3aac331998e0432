(** * Reverse accumulation on a tape

    The smallest model in which the theorem can be stated.  Every instruction
    assigns one new number, which is put at the end of the tape; it says by how
    much that number changes with each EARLIER one.  The same earlier number may
    be named twice (x * x), and many instructions may name it (fan-out).  All
    numbers lie in an arbitrary commutative ring. *)

Require Import List Arith Lia Ring Ring_theory.
Import ListNotations.

Section Backprop.

Variable R : Type.
Variables (rO rI : R) (radd rmul rsub : R -> R -> R) (ropp : R -> R).
Variable R_ring : ring_theory rO rI radd rmul rsub ropp (@eq R).
Add Ring R_ring : R_ring.
Infix "+" := radd.
Infix "*" := rmul.
Notation "0" := rO.
Notation "1" := rI.

(** ** Definitions *)

Definition vec := list R.
Definition edges := list (nat * R).   (** (place on the tape, local partial) *)
Definition tape := list edges.        (** the first instruction first *)

Definition get (v : vec) (i : nat) : R := nth i v 0.

Fixpoint dot (u v : vec) : R :=
  match u, v with
  | a :: u', b :: v' => a * b + dot u' v'
  | _, _ => 0
  end.

(** [v[i] += c] *)
Fixpoint bump (v : vec) (i : nat) (c : R) : vec :=
  match v, i with
  | [], _ => []
  | a :: v', O => (a + c) :: v'
  | a :: v', S i' => a :: bump v' i' c
  end.

(** The tangent of one new number. *)
Fixpoint jvp (t : vec) (es : edges) : R :=
  match es with
  | [] => 0
  | (i, p) :: es' => p * get t i + jvp t es'
  end.

(** Forward accumulation: the tangents of the inputs grow to those of the tape. *)
Fixpoint forward (t : vec) (P : tape) : vec :=
  match P with
  | [] => t
  | es :: P' => forward (t ++ [jvp t es]) P'
  end.

(** The adjoint [a] of one number is passed on to all that it came from. *)
Fixpoint scatter (v : vec) (a : R) (es : edges) : vec :=
  match es with
  | [] => v
  | (i, p) :: es' => scatter (bump v i (a * p)) a es'
  end.

(** Reverse accumulation.  [Q] is the tape with the LAST instruction first: take
    the last adjoint off, and pass it on. *)
Fixpoint sweep (Q : tape) (adjoints : vec) : vec :=
  match Q with
  | [] => adjoints
  | es :: Q' => sweep Q' (scatter (removelast adjoints) (last adjoints 0) es)
  end.

Definition backward (P : tape) (seeds : vec) : vec := sweep (rev P) seeds.

(** Only earlier places are named; [n] of them are there before [P]. *)
Fixpoint valid (n : nat) (P : tape) : Prop :=
  match P with
  | [] => True
  | es :: P' => Forall (fun e => fst e < n) es /\ valid (S n) P'
  end.

(** The vector of length [n] with 1 at place [i]. *)
Fixpoint basis (n i : nat) : vec :=
  match n, i with
  | O, _ => []
  | S n', O => 1 :: repeat 0 n'
  | S n', S i' => 0 :: basis n' i'
  end.

(** ** Lemmas *)

Lemma bump_length : forall v i c, length (bump v i c) = length v.
Proof. induction v; destruct i; simpl; intros; auto. Qed.

Lemma scatter_length : forall es v a, length (scatter v a es) = length v.
Proof.
  induction es as [|[i p] es IH]; simpl; intros; auto.
  rewrite IH. apply bump_length.
Qed.

Lemma dot_bump : forall v t i c, i < length v -> length v = length t ->
  dot (bump v i c) t = dot v t + c * get t i.
Proof.
  unfold get. induction v as [|a v IH]; intros [|b t] i c Hi Hl; simpl in *; try lia.
  destruct i as [|i]; simpl.
  - ring.
  - rewrite IH by lia. ring.
Qed.

Lemma dot_scatter : forall es v t a,
  Forall (fun e => fst e < length v) es -> length v = length t ->
  dot (scatter v a es) t = dot v t + a * jvp t es.
Proof.
  induction es as [|[i p] es IH]; intros v t a Hw Hl; simpl.
  - ring.
  - inversion Hw; subst; simpl in *.
    rewrite IH; rewrite ?bump_length; auto.
    rewrite dot_bump by auto. ring.
Qed.

Lemma dot_snoc : forall u t a b, length u = length t ->
  dot (u ++ [a]) (t ++ [b]) = dot u t + a * b.
Proof.
  induction u as [|x u IH]; intros [|y t] a b H; simpl in *; try lia.
  - ring.
  - rewrite IH by lia. ring.
Qed.

Lemma forward_snoc : forall P t es,
  forward t (P ++ [es]) = forward t P ++ [jvp (forward t P) es].
Proof. induction P; simpl; intros; auto. Qed.

Lemma forward_length : forall P t, length (forward t P) = (length t + length P)%nat.
Proof.
  induction P; simpl; intros; [lia|].
  rewrite IHP, app_length; simpl; lia.
Qed.

Lemma valid_snoc : forall P n es, valid n (P ++ [es]) <->
  valid n P /\ Forall (fun e => fst e < (n + length P)%nat) es.
Proof.
  induction P as [|e P IH]; intros n es; simpl.
  - rewrite Nat.add_0_r; tauto.
  - rewrite IH. replace (S n + length P)%nat with (n + S (length P))%nat by lia. tauto.
Qed.

Lemma unsnoc : forall (v : vec) n, length v = S n ->
  v = removelast v ++ [last v 0] /\ length (removelast v) = n.
Proof.
  intros v n H. assert (Hv : v <> []) by (intros ->; discriminate).
  pose proof (app_removelast_last 0 Hv) as E. split; [assumption|].
  rewrite E, app_length in H. simpl in H. lia.
Qed.

Lemma sweep_length : forall Q s n, length s = (n + length Q)%nat -> length (sweep Q s) = n.
Proof.
  induction Q as [|es Q IH]; simpl; intros s n H; [lia|].
  apply IH. rewrite scatter_length. apply unsnoc. lia.
Qed.

Lemma basis_length : forall n i, length (basis n i) = n.
Proof. induction n; destruct i; simpl; intros; auto. rewrite repeat_length; auto. Qed.

Lemma dot_zeros : forall v n, dot v (repeat 0 n) = 0.
Proof. induction v; destruct n; simpl; auto. rewrite IHv. ring. Qed.

Lemma dot_basis : forall v i, i < length v -> dot v (basis (length v) i) = get v i.
Proof.
  unfold get; induction v as [|a v IH]; intros i H; simpl in *; [lia|].
  destruct i; simpl.
  - rewrite dot_zeros. ring.
  - rewrite IH by lia. ring.
Qed.

(** ** Theorems *)

(** THE ADJOINT IDENTITY.  Adjoints of the inputs times tangents of the inputs is
    seeds times tangents of the tape, for every valid tape: <J^T s, t> = <s, J t>. *)
Theorem tape_adjoint_identity : forall P t s,
  valid (length t) P -> length s = (length t + length P)%nat ->
  dot (backward P s) t = dot s (forward t P).
Proof.
  unfold backward. induction P as [|es P IH] using rev_ind; intros t s Hv Hl.
  - reflexivity.
  - rewrite rev_app_distr; simpl. rewrite forward_snoc.
    apply valid_snoc in Hv; destruct Hv as [Hv Hes].
    rewrite app_length in Hl; simpl in Hl.
    destruct (unsnoc s (length t + length P)%nat) as [E Hu]; [lia|].
    set (u := removelast s) in *. set (a := last s 0) in *. rewrite E.
    rewrite IH; [| exact Hv | rewrite scatter_length; exact Hu].
    rewrite dot_scatter; [| rewrite Hu; exact Hes | rewrite forward_length; exact Hu].
    rewrite dot_snoc; [reflexivity | rewrite forward_length; exact Hu].
Qed.

(** Entry [i] of the reverse gradient is the forward derivative in direction [i]:
    one reverse sweep gives the whole gradient. *)
Theorem tape_gradient : forall P n s i,
  valid n P -> length s = (n + length P)%nat -> i < n ->
  get (backward P s) i = dot s (forward (basis n i) P).
Proof.
  intros P n s i Hv Hl Hi.
  assert (L : length (backward P s) = n)
    by (apply sweep_length; rewrite rev_length; exact Hl).
  rewrite <- tape_adjoint_identity by (rewrite basis_length; auto).
  rewrite <- L. symmetry. apply dot_basis. rewrite L. exact Hi.
Qed.

End Backprop.
