(** * Gradients of losses: the perceptron, log-sum-exp, softmax cross-entropy

    Gradients are stated through directions: a function has the gradient g at w if
    its derivative along every direction d is the sum of g_j d_j.  Sums run over a
    finite list of indices (features, samples, classes) of any type. *)

Require Import Reals Lra List.
Set Warnings "-ambiguous-paths".   (* Coquelicot's own *)
From Coquelicot Require Import Coquelicot.
From GradCheck Require Import Rules.
Import ListNotations.
Open Scope R_scope.

Section Sums.

Variable I : Type.

Fixpoint total (l : list I) (f : I -> R) : R :=
  match l with
  | [] => 0
  | i :: l' => f i + total l' f
  end.

Lemma total_ext : forall l f g, (forall i, f i = g i) -> total l f = total l g.
Proof. induction l as [|i l IH]; intros f g H; simpl; [reflexivity|]. f_equal; auto. Qed.

Lemma total_add : forall l f g, total l (fun i => f i + g i) = total l f + total l g.
Proof. induction l as [|i l IH]; intros; simpl; [|rewrite IH]; ring. Qed.

Lemma total_scale : forall l c f, total l (fun i => c * f i) = c * total l f.
Proof. induction l as [|i l IH]; intros; simpl; [|rewrite IH]; ring. Qed.

Lemma total_pos : forall l f, l <> [] -> (forall i, 0 < f i) -> 0 < total l f.
Proof.
  induction l as [|i l IH]; intros f Hl H; [congruence|]. simpl.
  destruct l as [|j l]; [simpl; specialize (H i); lra|].
  assert (0 < total (j :: l) f) by (apply IH; [discriminate | assumption]).
  specialize (H i). lra.
Qed.

(** A finite sum is differentiated term by term. *)
Theorem finite_sum_rule : forall l (f : I -> R -> R) (f' : I -> R) x,
  (forall i, In i l -> is_derive (f i) x (f' i)) ->
  is_derive (fun t => total l (fun i => f i t)) x (total l f').
Proof.
  induction l as [|i l IH]; intros f f' x H; simpl.
  - apply (is_derive_const (0 : R)).
  - apply sum_rule; [apply H; left; reflexivity|]. apply IH. intros; apply H; right; assumption.
Qed.

End Sums.

Arguments total {I}.

Lemma total_swap : forall I J (l : list I) (m : list J) (f : I -> J -> R),
  total l (fun i => total m (fun j => f i j)) = total m (fun j => total l (fun i => f i j)).
Proof.
  intros I J l m f. induction l as [|i l IH]; simpl.
  - induction m as [|j m IH]; simpl; [reflexivity|]. rewrite <- IH. ring.
  - rewrite IH, <- total_add. reflexivity.
Qed.

Lemma line_rule : forall a d, is_derive (fun t => a + t * d) 0 d.
Proof. intros. auto_derive; [exact I | ring]. Qed.

(** ** The Euclidean norm *)

(** The gradient of |z| is z / |z|, where z is not 0. *)
Theorem norm_gradient : forall I (l : list I) (z d : I -> R),
  let norm := fun v : I -> R => sqrt (total l (fun i => v i ^ 2)) in
  0 < norm z ->
  is_derive (fun t => norm (fun i => z i + t * d i)) 0 (total l (fun i => z i / norm z * d i)).
Proof.
  intros I l z d norm Hz.
  assert (Z : total l (fun i => (z i + 0 * d i) ^ 2) = total l (fun i => z i ^ 2))
    by (apply total_ext; intro; ring).
  assert (Hs : 0 < total l (fun i => z i ^ 2)).
  { apply Rnot_le_lt. intro N. apply sqrt_neg_0 in N. unfold norm in Hz. lra. }
  eapply is_derive_as.
  - apply (composition_rule sqrt).
    + apply sqrt_rule. now rewrite Z.
    + apply (finite_sum_rule _ l (fun i t => (z i + t * d i) ^ 2)). intros i _.
      apply (composition_rule (fun u => u ^ 2)); [apply natural_power_rule | apply line_rule].
  - rewrite Z, <- total_scale. apply total_ext. intro i. fold (norm z). simpl. field. lra.
Qed.

(** ** The perceptron: z_i = x_i . w + b, yhat_i = f(z_i), mean of squares *)

Section Perceptron.

Variables (Sample Feature : Type) (samples : list Sample) (features : list Feature).
Variables (x : Sample -> Feature -> R) (y : Sample -> R).
Variables (f f' : R -> R).                            (* activation and its derivative *)

Definition preactivation (w : Feature -> R) (b : R) (i : Sample) : R :=
  total features (fun j => x i j * w j) + b.

(** C = 1/(2N) sum_i (f(z_i) - y_i)^2 *)
Definition cost (w : Feature -> R) (b : R) : R :=
  total samples (fun i => (f (preactivation w b i) - y i) ^ 2) / (2 * INR (length samples)).

(** delta_i = (yhat_i - y_i) f'(z_i) / N *)
Definition delta (w : Feature -> R) (b : R) (i : Sample) : R :=
  (f (preactivation w b i) - y i) * f' (preactivation w b i) / INR (length samples).

(** THE PERCEPTRON'S GRADIENT: dC/dw_j = sum_i delta_i x_ij, dC/db = sum_i delta_i,
    wherever the activation is differentiable at the samples' z_i. *)
Theorem perceptron_gradient : forall w b d e,
  samples <> [] ->
  (forall i, In i samples -> is_derive f (preactivation w b i) (f' (preactivation w b i))) ->
  is_derive (fun t => cost (fun j => w j + t * d j) (b + t * e)) 0
    (total features (fun j => total samples (fun i => delta w b i * x i j) * d j)
     + total samples (delta w b) * e).
Proof.
  intros w b d e Hs Hf.
  assert (N : INR (length samples) <> 0)
    by (apply not_0_INR; destruct samples; [congruence | discriminate]).
  set (moved := fun i t => preactivation (fun j => w j + t * d j) (b + t * e) i).
  set (slope := fun i => total features (fun j => x i j * d j) + e).
  assert (M0 : forall i, moved i 0 = preactivation w b i).
  { intro i. unfold moved, preactivation. rewrite (total_ext _ features _ (fun j => x i j * w j)).
    - ring.
    - intro j. ring. }
  assert (M : forall i, is_derive (moved i) 0 (slope i)).
  { intro i. apply sum_rule; [|apply line_rule].
    apply (finite_sum_rule _ features (fun j t => x i j * (w j + t * d j))).
    intros j _. apply (is_derive_scal (fun t => w j + t * d j)), line_rule. }
  apply is_derive_as with
    (/ (2 * INR (length samples)) * total samples (fun i =>
       2 * (f (preactivation w b i) - y i) * (f' (preactivation w b i) * slope i))).
  - apply (is_derive_ext (fun t => / (2 * INR (length samples)) *
             total samples (fun i => (f (moved i t) - y i) ^ 2)));
      [intro t; unfold cost, Rdiv; apply Rmult_comm|].
    apply (is_derive_scal (fun t => total samples (fun i => (f (moved i t) - y i) ^ 2))).
    apply (finite_sum_rule _ samples (fun i t => (f (moved i t) - y i) ^ 2)).
    intros i Hi.
    assert (F : is_derive (fun t => f (moved i t)) 0 (f' (preactivation w b i) * slope i)).
    { apply composition_rule; [rewrite M0; auto | apply M]. }
    eapply is_derive_as.
    + apply (composition_rule (fun u => u ^ 2) (fun t => f (moved i t) - y i)).
      * apply natural_power_rule.
      * apply (is_derive_minus (fun t => f (moved i t)) (fun _ => y i));
          [exact F | apply (is_derive_const (y i))].
    + rewrite M0. unfold minus, plus, opp, zero. simpl. ring.
  - rewrite <- total_scale. unfold slope.
    rewrite (total_ext _ samples _ (fun i =>
      total features (fun j => delta w b i * x i j * d j) + e * delta w b i)).
    + rewrite total_add, total_scale, total_swap. f_equal; [|ring].
      apply total_ext. intro j.
      rewrite (total_ext _ samples _ (fun i => d j * (delta w b i * x i j))) by (intro; ring).
      rewrite total_scale. ring.
    + intro i. rewrite (total_ext _ features (fun j => delta w b i * x i j * d j)
        (fun j => delta w b i * (x i j * d j))) by (intro; ring).
      rewrite total_scale. unfold delta. field. exact N.
Qed.

End Perceptron.

(** ** Softmax *)

Section Softmax.

Variables (Class : Type) (classes : list Class).
Hypothesis some_class : classes <> [].

Definition partition (z : Class -> R) : R := total classes (fun j => exp (z j)).
Definition softmax (z : Class -> R) (i : Class) : R := exp (z i) / partition z.
Definition log_sum_exp (z : Class -> R) : R := ln (partition z).

Lemma partition_pos : forall z, 0 < partition z.
Proof. intro z. apply total_pos; [exact some_class | intro; apply exp_pos]. Qed.

(** The entries of softmax sum to 1. *)
Theorem softmax_sums_to_one : forall z, total classes (softmax z) = 1.
Proof.
  intro z. unfold softmax.
  rewrite (total_ext _ classes _ (fun i => / partition z * exp (z i)))
    by (intro; unfold Rdiv; ring).
  rewrite total_scale. fold (partition z). apply Rinv_l.
  pose proof (partition_pos z). lra.
Qed.

(** The gradient of log-sum-exp is softmax. *)
Theorem log_sum_exp_gradient : forall z d,
  is_derive (fun t => log_sum_exp (fun j => z j + t * d j)) 0
    (total classes (fun j => softmax z j * d j)).
Proof.
  intros z d. unfold log_sum_exp.
  assert (Z : forall i, z i + 0 * d i = z i) by (intro; ring).
  eapply is_derive_as.
  - apply composition_rule.
    + apply log_rule, partition_pos.
    + apply (finite_sum_rule _ classes (fun j t => exp (z j + t * d j))).
      intros j _. apply (composition_rule exp); [apply exp_rule | apply line_rule].
  - rewrite <- total_scale. apply total_ext. intro j. rewrite Z.
    unfold softmax. replace (partition (fun j => z j + 0 * d j)) with (partition z)
      by (apply total_ext; intro; now rewrite Z).
    pose proof (partition_pos z). field. lra.
Qed.

(** The Jacobian of softmax: dq_i = q_i (d_i - sum_j q_j d_j). *)
Theorem softmax_derivative : forall z d i,
  is_derive (fun t => softmax (fun j => z j + t * d j) i) 0
    (softmax z i * (d i - total classes (fun j => softmax z j * d j))).
Proof.
  intros z d i.
  apply (is_derive_ext (fun t => exp ((z i + t * d i) - log_sum_exp (fun j => z j + t * d j)))).
  - intro t. unfold softmax, log_sum_exp. unfold Rminus. rewrite exp_plus, exp_Ropp, exp_ln.
    + reflexivity.
    + apply partition_pos.
  - eapply is_derive_as.
    + apply (composition_rule exp (fun t => (z i + t * d i) - log_sum_exp (fun j => z j + t * d j)));
        [apply exp_rule|].
      apply (is_derive_minus (fun t => z i + t * d i)); [apply line_rule | apply log_sum_exp_gradient].
    + unfold minus, plus, opp. simpl. f_equal. unfold softmax, Rminus, log_sum_exp.
      rewrite exp_plus, exp_Ropp, exp_ln by apply partition_pos.
      replace (z i + 0 * d i) with (z i) by ring. unfold Rdiv. f_equal. f_equal.
      apply total_ext. intro j. f_equal. ring.
Qed.

(** Cross-entropy of softmax against a target [p]. *)
Definition cross_entropy (p z : Class -> R) : R :=
  total classes (fun i => - (p i * ln (softmax z i))).

(** In the form without quotients that is used in practice. *)
Theorem cross_entropy_by_log_sum_exp : forall p z,
  total classes p = 1 ->
  cross_entropy p z = log_sum_exp z - total classes (fun i => p i * z i).
Proof.
  intros p z Hp. unfold cross_entropy.
  rewrite (total_ext _ classes _ (fun i => log_sum_exp z * p i + - 1 * (p i * z i))).
  - rewrite total_add, !total_scale, Hp. ring.
  - intro i. unfold softmax, log_sum_exp, Rdiv. pose proof (partition_pos z).
    rewrite ln_mult, ln_exp, ln_Rinv; try assumption.
    + ring.
    + apply exp_pos.
    + apply Rinv_0_lt_compat. assumption.
Qed.

(** SOFTMAX CROSS-ENTROPY HAS THE GRADIENT q - p, if the target sums to 1. *)
Theorem softmax_cross_entropy_gradient : forall p z d,
  total classes p = 1 ->
  is_derive (fun t => cross_entropy p (fun j => z j + t * d j)) 0
    (total classes (fun i => (softmax z i - p i) * d i)).
Proof.
  intros p z d Hp.
  apply (is_derive_ext (fun t => log_sum_exp (fun j => z j + t * d j)
           - total classes (fun i => p i * (z i + t * d i)))).
  - intro t. symmetry. now apply cross_entropy_by_log_sum_exp.
  - eapply is_derive_as.
    + apply (is_derive_minus (fun t => log_sum_exp (fun j => z j + t * d j)));
        [apply log_sum_exp_gradient|].
      apply (finite_sum_rule _ classes (fun i t => p i * (z i + t * d i)) (fun i => p i * d i)).
      intros i _. apply (is_derive_scal (fun t => z i + t * d i)), line_rule.
    + unfold minus, plus, opp. simpl.
      replace (- total classes (fun i => p i * d i)) with (total classes (fun i => - 1 * (p i * d i)))
        by (rewrite total_scale; ring).
      rewrite <- total_add. apply total_ext. intro i. ring.
Qed.

End Softmax.

(** Without that condition it has not: with the target 2 on a single class the
    loss is constant, but q - p is -1. *)
Theorem the_target_must_sum_to_one :
  is_derive (fun t => cross_entropy unit [tt] (fun _ => 2) (fun _ => t)) 0 0 /\
  total [tt] (fun i => softmax unit [tt] (fun _ => 0) i - 2) = - 1.
Proof.
  assert (Q : forall t, softmax unit [tt] (fun _ => t) tt = 1).
  { intro t. unfold softmax, partition. simpl. pose proof (exp_pos t). field. lra. }
  split.
  - apply (is_derive_ext (fun _ => 0)); [|apply (is_derive_const (0 : R))].
    intro t. unfold cross_entropy. simpl. rewrite Q, ln_1. ring.
  - simpl. rewrite Q. ring.
Qed.
